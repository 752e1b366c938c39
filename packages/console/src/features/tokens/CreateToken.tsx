import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { useUser } from '../../api/session.ts';
import { useCreateToken } from '../../api/tokens.ts';
import { paths } from '../../paths.ts';
import { useGo } from '../../routing/use-go.ts';
import { useLeaveGuard } from '../../routing/use-leave-guard.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { FailurePanel } from '../../ui/Feedback.tsx';
import { LeaveQuestion } from '../../ui/LeaveQuestion.tsx';
import { useOnline } from '../../ui/use-online.ts';
import { focusFirstField } from '../keys/focus-first-field.ts';
import { TokenFields } from './TokenFields.tsx';
import { TokenOnce } from './TokenOnce.tsx';
import { EMPTY_TOKEN, type TokenDraft, tokenBodyOf } from './token-draft.ts';

const FORM_ID = 'token-form';

/** Creates a token, then shows it this once. */
export function CreateToken({ co }: { co: string }) {
  const { t } = useTranslation();
  const go = useGo();
  const user = useUser();
  const online = useOnline();
  const create = useCreateToken();
  const admin = user.role === 'admin';
  const [draft, setDraft] = useState<TokenDraft>(EMPTY_TOKEN);
  const [checked, setChecked] = useState(false);
  const created = useRef(false);
  const dirty = JSON.stringify(draft) !== JSON.stringify(EMPTY_TOKEN);
  const guard = useLeaveGuard(() => dirty && !created.current);
  const close = () => go(paths.tokens(co), { replace: true });
  if (create.data !== undefined) return <TokenOnce token={create.data} onClose={close} />;
  return (
    <Dialog
      title={t('tokens.create')}
      onClose={close}
      onOpen={focusFirstField}
      footer={
        <>
          <Button onClick={close}>{t('action.cancel')}</Button>
          <Button
            kind="primary"
            type="submit"
            form={FORM_ID}
            busy={create.isPending}
            unavailable={online ? null : t('permission.offline')}
          >
            {t('tokens.create')}
          </Button>
        </>
      }
    >
      <form
        id={FORM_ID}
        noValidate
        className="flex flex-col gap-5"
        onSubmit={(event) => {
          event.preventDefault();
          setChecked(true);
          const { body } = tokenBodyOf(draft, admin, Date.now());
          if (body === null) return;
          create.mutate(body, {
            onSuccess: () => {
              created.current = true;
            },
          });
        }}
      >
        <TokenFields
          draft={draft}
          admin={admin}
          wrong={checked ? tokenBodyOf(draft, admin, 0).wrong : new Set()}
          onChange={(change) => {
            create.reset();
            setDraft((before) => ({ ...before, ...change }));
          }}
        />
        {create.isError ? (
          <FailurePanel failure={explainError(create.error, t)} lead={t('tokens.not_created')} />
        ) : null}
      </form>
      <LeaveQuestion guard={guard} />
    </Dialog>
  );
}
