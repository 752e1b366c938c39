import type { Member } from '@ownkey/contract/api/settings';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { useInvite } from '../../api/people.ts';
import { installationQuery } from '../../api/session.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { FailurePanel, Note } from '../../ui/Feedback.tsx';
import { RadioField, TextField } from '../../ui/Field.tsx';
import { useMessages } from '../../ui/Messages.tsx';
import { focusFirstField } from '../keys/focus-first-field.ts';

const FORM_ID = 'invite-form';
const EMAIL = /^[^\s@]+@[^\s@]+$/;

/** Asks somebody to join, by mail. */
export function InviteDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const { say } = useMessages();
  const invite = useInvite();
  const installation = useQuery(installationQuery);
  const [email, setEmail] = useState('');
  const [name, setName] = useState('');
  const [role, setRole] = useState<Member['role']>('member');
  const [checked, setChecked] = useState(false);
  const wrong = !EMAIL.test(email.trim());
  return (
    <Dialog
      title={t('members.invite')}
      onClose={onClose}
      onOpen={focusFirstField}
      footer={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button kind="primary" type="submit" form={FORM_ID} busy={invite.isPending}>
            {t('members.send')}
          </Button>
        </>
      }
    >
      <form
        id={FORM_ID}
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          setChecked(true);
          if (wrong) return;
          invite.mutate(
            { email: email.trim(), role, ...(name.trim() === '' ? {} : { name: name.trim() }) },
            {
              onSuccess: (invited) => {
                say(t('members.sent', { email: invited.email }));
                onClose();
              },
            },
          );
        }}
      >
        {installation.data?.sends_mail === false ? <Note tone="warn">{t('members.no_mail')}</Note> : null}
        <TextField
          label={t('members.email')}
          type="email"
          inputMode="email"
          autoComplete="off"
          spellCheck={false}
          maxLength={254}
          value={email}
          error={checked && wrong ? t('members.email_wrong') : null}
          onChange={(event) => {
            invite.reset();
            setEmail(event.target.value);
          }}
        />
        <TextField
          label={t('members.name_optional')}
          autoComplete="off"
          maxLength={200}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <RadioField
          label={t('members.role')}
          name="role"
          value={role}
          options={[
            { value: 'member', label: t('members.member'), hint: t('members.member_hint') },
            { value: 'admin', label: t('members.admin'), hint: t('members.admin_hint') },
          ]}
          onChange={setRole}
        />
        {invite.isError ? <FailurePanel failure={explainError(invite.error, t)} lead={t('members.not_sent')} /> : null}
      </form>
    </Dialog>
  );
}
