import type { Operation } from '@ownkey/contract/api/operations';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError, isConflict } from '../../api/explain-error.ts';
import { providersQuery } from '../../api/keys.ts';
import { modelsQuery, operationsQuery, useChooseModel } from '../../api/models.ts';
import { useLeaveGuard } from '../../routing/use-leave-guard.ts';
import { Button } from '../../ui/Button.tsx';
import { Combobox } from '../../ui/Combobox.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { FailurePanel } from '../../ui/Feedback.tsx';
import { RadioField, TextField } from '../../ui/Field.tsx';
import { LeaveQuestion } from '../../ui/LeaveQuestion.tsx';
import { useMessages } from '../../ui/Messages.tsx';
import { focusFirstField } from '../keys/focus-first-field.ts';
import { findModels } from './find-models.ts';
import { isModelId, isOperationName } from './model-choice.ts';

const FORM_ID = 'choice-form';
/** ETag of a choice that was never made. */
const NEVER_MADE = '"0"';

/** Chooses the model of one operation, or takes the choice back. Without an operation, its name is asked for. */
export function ChooseModel({ operation, onClose }: { operation: Operation | null; onClose: () => void }) {
  const { t } = useTranslation();
  const { say } = useMessages();
  const queries = useQueryClient();
  const save = useChooseModel();
  const [start, setStart] = useState({ model: operation?.model ?? null, etag: operation?.etag ?? NEVER_MADE });
  const [name, setName] = useState(operation?.name ?? '');
  const [automatic, setAutomatic] = useState(operation !== null && operation.model === null);
  const [model, setModel] = useState(operation?.model ?? '');
  const [checked, setChecked] = useState(false);
  const saved = useRef(false);
  const forAll = operation?.name === '';
  const title = forAll ? t('choice.everything_else') : name;
  const wanted = automatic ? null : model.trim();
  const wrong = {
    name: operation === null && !isOperationName(name.trim()),
    model: wanted !== null && !isModelId(wanted),
  };
  const dirty = operation === null ? name + model !== '' : wanted !== start.model;
  const guard = useLeaveGuard(() => dirty && !saved.current);
  const reload = async () => {
    const newest = await queries.fetchQuery({ ...operationsQuery, staleTime: 0 });
    const found = newest.find((other) => other.name === (operation?.name ?? name.trim()));
    setStart({ model: found?.model ?? null, etag: found?.etag ?? NEVER_MADE });
    save.reset();
  };
  const submit = () => {
    setChecked(true);
    if (wrong.name || wrong.model) return;
    save.mutate(
      { operation: operation?.name ?? name.trim(), model: wanted, etag: start.etag },
      {
        onSuccess: (chosen) => {
          saved.current = true;
          say(
            chosen.model !== null
              ? t('choice.saved', { operation: title.trim(), model: chosen.model })
              : forAll
                ? t('choice.saved_none')
                : t('choice.saved_automatic', { operation: title }),
          );
          onClose();
        },
      },
    );
  };
  return (
    <Dialog
      title={operation === null ? t('choice.add') : t('choice.change_of', { operation: title })}
      onClose={onClose}
      onOpen={focusFirstField}
      footer={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button kind="primary" type="submit" form={FORM_ID} busy={save.isPending}>
            {t('choice.save')}
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
          submit();
        }}
      >
        {operation === null ? (
          <TextField
            label={t('choice.name')}
            hint={t('choice.name_hint')}
            value={name}
            maxLength={128}
            autoComplete="off"
            spellCheck={false}
            error={checked && wrong.name ? t('choice.name_wrong') : null}
            onChange={(event) => {
              save.reset();
              setName(event.target.value);
            }}
          />
        ) : (
          <RadioField
            label={t('choice.model')}
            name="how"
            value={automatic ? 'automatic' : 'one'}
            options={[
              forAll
                ? { value: 'automatic', label: t('choice.none'), hint: t('choice.none_hint') }
                : { value: 'automatic', label: t('choice.automatic'), hint: t('choice.automatic_hint') },
              { value: 'one', label: t('choice.one') },
            ]}
            onChange={(how) => {
              save.reset();
              setAutomatic(how === 'automatic');
            }}
          />
        )}
        {automatic ? null : (
          <ModelField
            value={model}
            wrong={checked && wrong.model}
            onChange={(text) => {
              save.reset();
              setModel(text);
            }}
          />
        )}
        {save.isError ? (
          <FailurePanel
            failure={explainError(save.error, t)}
            lead={isConflict(save.error) ? t('errors.conflict_lead') : t('caps.not_saved')}
            actions={
              isConflict(save.error) ? <Button onClick={() => void reload()}>{t('caps.reload')}</Button> : undefined
            }
          />
        ) : null}
      </form>
      <LeaveQuestion guard={guard} />
    </Dialog>
  );
}

function ModelField(props: { value: string; wrong: boolean; onChange: (model: string) => void }) {
  const { t } = useTranslation();
  const models = useQuery(modelsQuery);
  const providers = useQuery(providersQuery);
  const names = new Map((providers.data?.data ?? []).map(({ id, name }) => [id, name]));
  const listed = findModels(models.data?.data ?? [], { sort: 'provider' }, (id) => names.get(id) ?? id);
  const options = listed.map(({ id, provider, chat, key_source }) => ({
    value: id,
    group: names.get(provider) ?? provider,
    note: [
      key_source === 'own' ? t('word.your_key') : t('word.shared_key'),
      ...(chat ? [] : [t('models.not_chat')]),
    ].join(', '),
  }));
  const typed = props.value.trim();
  return (
    <Combobox
      label={t('choice.model_name')}
      value={props.value}
      options={options}
      hint={t('choice.model_hint')}
      error={props.wrong ? t('choice.model_wrong', { example: options[0]?.value ?? 'provider/model' }) : null}
      summary={(found, shown) =>
        found === 0 && typed !== ''
          ? t('choice.not_listed')
          : `${t('choice.options', { count: found })}${found > shown ? ` ${t('choice.more')}` : ''}`
      }
      onChange={props.onChange}
    />
  );
}
