import type { KekView } from '@ownkey/contract/api/kek';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { useOrderRotation } from '../../api/master-key.ts';
import { exactCount } from '../../format/count.ts';
import { paths } from '../../paths.ts';
import { useCloseTo, useGo } from '../../routing/use-go.ts';
import { Button } from '../../ui/Button.tsx';
import { AlertDialog } from '../../ui/Dialog.tsx';
import { FailurePanel } from '../../ui/Feedback.tsx';
import { Command } from './Command.tsx';

/** Says how much is wrapped again, that nothing fails meanwhile and what to back up, before a rotation is ordered. */
export function RotateMasterKey(props: {
  view: KekView;
  current: NonNullable<KekView['current']>;
  blocked: string | null;
}) {
  const { t, i18n } = useTranslation();
  const close = useCloseTo(paths.operatorMasterKey());
  const go = useGo();
  const order = useOrderRotation();
  const rows = props.view.keks.reduce(
    (sum, kek) => ({
      keys: sum.keys + kek.rows.stored_keys,
      sealing: sum.sealing + kek.rows.sealing_keys,
      heads: sum.heads + kek.rows.audit_heads,
    }),
    { keys: 0, sealing: 0, heads: 0 },
  );
  const all = rows.keys + rows.sealing + rows.heads;
  const count = (value: number) => exactCount(value, i18n.language);
  return (
    <AlertDialog
      title={t('master_key.question')}
      keep={t('master_key.keep')}
      onKeep={close}
      confirm={
        <Button
          kind="primary"
          busy={order.isPending}
          unavailable={props.blocked}
          onClick={() => order.mutate(undefined, { onSuccess: () => go(paths.operatorMasterKey(), { replace: true }) })}
        >
          {t('master_key.confirm')}
        </Button>
      }
    >
      <p>
        {t('master_key.question_rows', {
          count: all,
          rows: count(all),
          keys: count(rows.keys),
          sealing: count(rows.sealing),
          heads: count(rows.heads),
        })}
      </p>
      <p>{t('master_key.question_safe')}</p>
      <p>{t('master_key.question_backup')}</p>
      <div>
        {t('master_key.question_dry')}
        <Command text="npx ownkey kek rotate --dry-run" />
      </div>
      {order.isError ? <FailurePanel failure={explainError(order.error, t)} /> : null}
    </AlertDialog>
  );
}
