import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { membersQuery } from '../../api/people.ts';
import { Button } from '../../ui/Button.tsx';
import { SelectField } from '../../ui/Field.tsx';
import { type CapsForm, CapsSection } from './CapsSection.tsx';
import { EVERYBODY } from './caps-draft.ts';

/** Caps of every person, and of those who have some of their own. */
export function PeopleCaps(props: {
  form: CapsForm;
  people: readonly string[];
  onPeople: (id: string, what: 'added' | 'removed') => void;
}) {
  const { t } = useTranslation();
  const { form, people, onPeople } = props;
  const members = useQuery(membersQuery);
  const nameOf = (id: string) => {
    const member = members.data?.find((other) => other.id === id);
    return member?.name ?? member?.email ?? id;
  };
  const others = (members.data ?? []).filter((member) => !people.includes(member.id));
  return (
    <>
      <CapsSection form={form} subject={EVERYBODY} title={t('caps.everybody')} hint={t('caps.everybody_hint')} />
      {people.map((id) => (
        <CapsSection
          key={id}
          form={form}
          subject={id}
          title={<bdi>{nameOf(id)}</bdi>}
          hint={t('caps.person_hint')}
          actions={
            <Button onClick={() => onPeople(id, 'removed')}>
              {t('caps.remove_person')}
              <span className="sr-only"> {nameOf(id)}</span>
            </Button>
          }
        />
      ))}
      {others.length === 0 ? null : (
        <SelectField
          className="sm:w-80"
          label={t('caps.add_person')}
          value=""
          options={[
            { value: '', label: t('caps.choose_person') },
            ...others.map(({ id }) => ({ value: id, label: nameOf(id) })),
          ]}
          onChange={(id) => {
            if (id !== '') onPeople(id, 'added');
          }}
        />
      )}
    </>
  );
}
