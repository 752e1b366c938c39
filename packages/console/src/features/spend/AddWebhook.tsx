import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useAddWebhook } from '../../api/alerts.ts';
import { explainError } from '../../api/explain-error.ts';
import { Button } from '../../ui/Button.tsx';
import { CopyButton } from '../../ui/CopyButton.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { FailurePanel } from '../../ui/Feedback.tsx';
import { TextField } from '../../ui/Field.tsx';

import { focusFirstField } from '../keys/focus-first-field.ts';

const FORM_ID = 'webhook-form';

/** Adds a webhook; its secret is shown this once. */
export function AddWebhook({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const add = useAddWebhook();
  const [url, setUrl] = useState('');
  const [checked, setChecked] = useState(false);
  const missing = !URL.canParse(url.trim());
  if (add.data !== undefined) {
    return (
      <Dialog
        title={t('alerts.webhook_added')}
        onClose={onClose}
        footer={
          <Button kind="primary" onClick={onClose}>
            {t('action.done')}
          </Button>
        }
      >
        <div className="flex flex-col gap-3">
          <p>{t('alerts.secret_once')}</p>
          <div className="flex flex-wrap items-center gap-2 rounded-card bg-sunken px-3 py-2">
            <code className="min-w-0 flex-1 font-mono text-compact [overflow-wrap:anywhere]">{add.data.secret}</code>
            <CopyButton text={add.data.secret} />
          </div>
          <p className="text-text-2">{t('alerts.secret_hint')}</p>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog
      title={t('alerts.add_webhook')}
      onClose={onClose}
      onOpen={focusFirstField}
      footer={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button kind="primary" type="submit" form={FORM_ID} busy={add.isPending}>
            {t('alerts.add_webhook')}
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
          if (!missing) add.mutate(url.trim());
        }}
      >
        <TextField
          label={t('alerts.column_address')}
          type="url"
          inputMode="url"
          value={url}
          maxLength={2048}
          autoComplete="off"
          spellCheck={false}
          hint={t('alerts.address_hint')}
          error={checked && missing ? t('alerts.address_missing') : null}
          onChange={(event) => {
            add.reset();
            setUrl(event.target.value);
          }}
        />
        {add.isError ? <FailurePanel failure={explainError(add.error, t)} lead={t('caps.not_saved')} /> : null}
      </form>
    </Dialog>
  );
}
