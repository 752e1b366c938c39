import type { TokenCreated } from '@ownkey/contract/api/tokens';
import { useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { installationQuery } from '../../api/session.ts';
import { useLeaveGuard } from '../../routing/use-leave-guard.ts';
import { Button } from '../../ui/Button.tsx';
import { CopyButton } from '../../ui/CopyButton.tsx';
import { AlertDialog, Dialog } from '../../ui/Dialog.tsx';
import { Segmented } from '../../ui/Segmented.tsx';
import { SNIPPET_NAMES, SNIPPETS, type Snippet, snippetsFor } from './snippets.ts';

/** The new token, shown this once. Closing without a copy asks first. */
export function TokenOnce({ token, onClose }: { token: TokenCreated; onClose: () => void }) {
  const { t } = useTranslation();
  const installation = useQuery(installationQuery);
  const [language, setLanguage] = useState<Snippet>('curl');
  const copied = useRef(false);
  const guard = useLeaveGuard(() => !copied.current);
  const places = installation.data;
  const snippets =
    places === undefined
      ? null
      : snippetsFor(token.scopes, { gateway: places.gateway_url, console: places.console_url });
  return (
    <Dialog
      title={t('tokens.created')}
      onClose={onClose}
      footer={
        <Button kind="primary" onClick={onClose}>
          {t('action.done')}
        </Button>
      }
    >
      <div className="flex flex-col gap-4">
        <p>{t('tokens.once')}</p>
        <div className="flex flex-wrap items-center gap-2 rounded-card bg-sunken px-3 py-2">
          {/* One click selects all of it. */}
          <code className="min-w-0 flex-1 font-mono text-compact select-all [overflow-wrap:anywhere]">
            {token.token}
          </code>
          <CopyButton
            text={token.token}
            onCopied={() => {
              copied.current = true;
            }}
          />
        </div>
        {snippets === null ? null : (
          <section aria-label={t('tokens.snippet')} className="flex flex-col gap-2">
            <div className="flex flex-wrap items-center justify-between gap-2">
              <Segmented
                label={t('tokens.snippet')}
                value={language}
                onChange={setLanguage}
                segments={SNIPPETS.map((value) => ({ value, label: SNIPPET_NAMES[value] }))}
              />
              <CopyButton text={snippets[language]} />
            </div>
            <pre className="rounded-card bg-sunken px-3 py-2 font-mono text-hint whitespace-pre-wrap [overflow-wrap:anywhere]">
              <code>{snippets[language]}</code>
            </pre>
            <p className="text-hint text-text-3">{t('tokens.snippet_hint')}</p>
          </section>
        )}
      </div>
      {guard.asking ? (
        <AlertDialog
          title={t('tokens.close_title')}
          keep={t('tokens.close_keep')}
          onKeep={guard.stay}
          confirm={
            <Button kind="danger" onClick={guard.leave}>
              {t('tokens.close_confirm')}
            </Button>
          }
        >
          {t('tokens.close_text')}
        </AlertDialog>
      ) : null}
    </Dialog>
  );
}
