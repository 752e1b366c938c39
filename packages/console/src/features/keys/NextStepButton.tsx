import type { Key } from '@ownkey/contract/api/keys';
import { useTranslation } from 'react-i18next';
import { paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { useGo } from '../../routing/use-go.ts';
import { Button } from '../../ui/Button.tsx';
import { type ButtonKind, buttonStyle } from '../../ui/button-style.ts';
import { Icon } from '../../ui/Icon.tsx';
import type { ProviderRow } from './groups.ts';
import { NEXT_STEP, shownStatus } from './status.ts';
import type { KeyActions } from './use-key-actions.ts';
import type { May } from './use-may.ts';

/** The next step of a key's status, as its row's button. */
export function NextStepButton(props: {
  row: ProviderRow;
  shownKey: Key;
  co: string;
  may: May;
  act: KeyActions;
  kind?: ButtonKind;
  /** In the detail "Manage" would lead to itself: Test instead. */
  inDetail?: boolean;
}) {
  const { t } = useTranslation();
  const go = useGo();
  const { row, shownKey: key, co, may, act, kind = 'secondary' } = props;
  const blocked = may.change(key);
  const step = NEXT_STEP[shownStatus(key)];
  if (step === 'manage' && props.inDetail !== true) {
    return (
      <Link to={paths.key(co, key.id)} className={buttonStyle(kind)}>
        {t('keys.manage')}
      </Link>
    );
  }
  if (step === 'billing' && row.provider.billing_page !== null) {
    return (
      <a href={row.provider.billing_page} target="_blank" rel="noreferrer" className={buttonStyle(kind)}>
        {t('act.add_credit')}
        <Icon name="external" />
        <span className="sr-only">{t('action.opens_new_tab')}</span>
      </a>
    );
  }
  if (step === 'replace') {
    return (
      <Button kind={kind} unavailable={blocked} onClick={() => go(paths.replaceKey(co, key.id))}>
        {t('act.replace')}
      </Button>
    );
  }
  if (step === 'add_key') {
    const provider = row.provider.kind === 'custom' ? 'custom' : row.provider.id;
    return (
      <Button kind={kind} unavailable={may.connectCompany} onClick={() => go(paths.connectProvider(co, provider))}>
        {t('act.add_second')}
      </Button>
    );
  }
  if (step === 'turn_on') {
    return (
      <Button
        kind={kind}
        unavailable={blocked}
        busy={act.changingId === key.id}
        onClick={() => act.setEnabled(key, row.provider, true)}
      >
        {t('act.turn_on')}
      </Button>
    );
  }
  const label =
    key.status === 'pending' ? t('act.test_now') : key.status === 'valid' ? t('act.test') : t('act.test_again');
  return (
    <Button
      kind={kind}
      unavailable={blocked}
      busy={act.testingId === key.id}
      onClick={() => act.test(key, row.provider)}
    >
      {label}
    </Button>
  );
}
