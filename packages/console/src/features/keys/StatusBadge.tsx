import type { Key } from '@ownkey/contract/api/keys';
import { useTranslation } from 'react-i18next';
import { Icon } from '../../ui/Icon.tsx';
import { STATUS_MARK, shownStatus } from './status.ts';

const TINTS = {
  good: '',
  quiet: '',
  info: '',
  warn: 'bg-warn-tint px-1.5 text-warn',
  bad: 'bg-bad-tint px-1.5 text-bad',
} as const;

/** Mark and word of a status. Tinted only when something is wrong. */
export function StatusBadge({ status }: { status: Pick<Key, 'enabled' | 'status'> }) {
  const { t } = useTranslation();
  const shown = shownStatus(status);
  const mark = STATUS_MARK[shown];
  return (
    <span className={`inline-flex items-center gap-1.5 rounded-bar whitespace-nowrap font-medium ${TINTS[mark.tone]}`}>
      <Icon name={mark.icon} className={mark.tone === 'good' ? 'text-good' : ''} />
      {t(`status.${shown}`)}
    </span>
  );
}
