import type { Settings } from '@ownkey/contract/api/settings';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSaveRecipients } from '../../api/alerts.ts';
import { explainError, isConflict } from '../../api/explain-error.ts';
import { settingsQuery } from '../../api/people.ts';
import { useLeaveGuard } from '../../routing/use-leave-guard.ts';
import { Button } from '../../ui/Button.tsx';
import { FailurePanel } from '../../ui/Feedback.tsx';
import { TextArea } from '../../ui/Field.tsx';
import { LeaveQuestion } from '../../ui/LeaveQuestion.tsx';
import { useMessages } from '../../ui/Messages.tsx';
import { useMay } from '../keys/use-may.ts';

/** Who gets mails about caps. */
export function Recipients() {
  const { t } = useTranslation();
  const may = useMay();
  const settings = useQuery(settingsQuery);
  const [editing, setEditing] = useState<Settings | null>(null);
  if (settings.data === undefined) return null;
  const { notice_recipients: recipients } = settings.data;
  return (
    <section aria-labelledby="recipients-title" className="flex flex-col gap-3">
      <h2 id="recipients-title" className="text-dialog font-semibold">
        {t('alerts.recipients')}
      </h2>
      {editing === null ? (
        <>
          {recipients.length === 0 ? (
            <p className="text-text-2">{t('alerts.no_recipients')}</p>
          ) : (
            <ul className="flex flex-wrap gap-x-6 gap-y-1">
              {recipients.map((address) => (
                <li key={address} className="[overflow-wrap:anywhere]">
                  <bdi>{address}</bdi>
                </li>
              ))}
            </ul>
          )}
          <div>
            <Button
              unavailable={may.admin ? null : t('alerts.recipients_admins', { ask: may.ask })}
              onClick={() => setEditing(settings.data)}
            >
              {t('alerts.edit_recipients')}
            </Button>
          </div>
        </>
      ) : (
        <Editor settings={editing} onClose={() => setEditing(null)} />
      )}
    </section>
  );
}

function Editor(props: { settings: Settings; onClose: () => void }) {
  const { t } = useTranslation();
  const { say } = useMessages();
  const queries = useQueryClient();
  const save = useSaveRecipients();
  const [start, setStart] = useState(props.settings);
  const [text, setText] = useState(props.settings.notice_recipients.join('\n'));
  const recipients = addressesOf(text);
  const dirty = recipients.join('\n') !== start.notice_recipients.join('\n');
  const guard = useLeaveGuard(() => dirty);
  return (
    <form
      noValidate
      className="flex max-w-xl flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate(
          { recipients, etag: start.etag },
          {
            onSuccess: () => {
              say(t('alerts.recipients_saved'));
              props.onClose();
            },
          },
        );
      }}
    >
      <TextArea
        label={t('alerts.addresses')}
        hint={t('alerts.addresses_hint')}
        value={text}
        rows={4}
        autoFocus
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => {
          save.reset();
          setText(event.target.value);
        }}
      />
      {save.isError ? (
        <FailurePanel
          failure={explainError(save.error, t)}
          lead={isConflict(save.error) ? t('errors.conflict_lead') : t('caps.not_saved')}
          actions={
            isConflict(save.error) ? (
              <Button
                onClick={() =>
                  void queries.fetchQuery({ ...settingsQuery, staleTime: 0 }).then((newest) => {
                    setStart(newest);
                    save.reset();
                  })
                }
              >
                {t('caps.reload')}
              </Button>
            ) : undefined
          }
        />
      ) : null}
      <div className="flex gap-2">
        <Button onClick={props.onClose}>{t('action.cancel')}</Button>
        <Button type="submit" kind="primary" busy={save.isPending}>
          {t('key.save')}
        </Button>
      </div>
      <LeaveQuestion guard={guard} />
    </form>
  );
}

/** Addresses by line, comma, semicolon or space; each once. */
function addressesOf(text: string): string[] {
  return [...new Set(text.split(/[\s,;]+/).filter((part) => part !== ''))];
}
