import type { Provider, ProviderList } from '@ownkey/contract/api/providers';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { paths } from '../../paths.ts';
import { useGo } from '../../routing/use-go.ts';
import { Button } from '../../ui/Button.tsx';
import { buttonStyle } from '../../ui/button-style.ts';
import { AlertDialog, Dialog } from '../../ui/Dialog.tsx';
import { ConnectForm } from './ConnectForm.tsx';
import { ConnectResult } from './ConnectResult.tsx';
import { focusFirstField } from './focus-first-field.ts';
import { useKeyTest } from './use-key-test.ts';

const FORM_ID = 'connect-form';

/** The dialog's three views: form, steps, result. Closing asks only while a pasted key would be lost. */
export function ConnectFlow(props: {
  title: string;
  co: string;
  provider: Provider;
  list: ProviderList;
  personal: boolean;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const go = useGo();
  const test = useKeyTest();
  const [pasted, setPasted] = useState(false);
  const [asking, setAsking] = useState(false);
  const { provider, co, onClose } = props;
  const { run } = test;
  const close = () => (pasted && (run.phase === 'form' || run.phase === 'not_saved') ? setAsking(true) : onClose());
  const showsForm = run.phase === 'form' || run.phase === 'not_saved';

  const footer = showsForm ? (
    <>
      <Button onClick={close}>{t('action.cancel')}</Button>
      <Button kind="primary" type="submit" form={FORM_ID}>
        {t('connect.submit')}
      </Button>
    </>
  ) : run.phase === 'done' ? (
    <>
      <Button
        onClick={() => {
          test.reset();
          go(paths.connect(co), { replace: true });
        }}
      >
        {t('connect.another')}
      </Button>
      <Button onClick={() => go(paths.key(co, run.key.id), { replace: true })}>{t('connect.open')}</Button>
      {run.key.status === 'no_credit' && provider.billing_page !== null ? (
        <a href={provider.billing_page} target="_blank" rel="noreferrer" className={buttonStyle('secondary')}>
          {t('connect.open_billing')}
        </a>
      ) : null}
      <Button kind="primary" onClick={onClose} autoFocus>
        {t('action.done')}
      </Button>
    </>
  ) : (
    <Button onClick={onClose}>{t('action.close')}</Button>
  );

  return (
    <Dialog title={props.title} onClose={close} footer={footer} onOpen={focusFirstField}>
      <div className={showsForm ? '' : 'hidden'}>
        <ConnectForm
          {...props}
          formId={FORM_ID}
          run={run}
          connect={test.connect}
          onPasted={setPasted}
          onEscape={close}
        />
      </div>
      {run.phase === 'testing' || run.phase === 'done' || run.phase === 'checking' ? (
        <ConnectResult run={run} provider={provider} />
      ) : null}
      {asking ? (
        <AlertDialog
          title={t('connect.discard')}
          keep={t('connect.keep_editing')}
          onKeep={() => setAsking(false)}
          confirm={
            <Button kind="danger" onClick={onClose}>
              {t('connect.discard_confirm')}
            </Button>
          }
        >
          {t('connect.discard_text')}
        </AlertDialog>
      ) : null}
    </Dialog>
  );
}
