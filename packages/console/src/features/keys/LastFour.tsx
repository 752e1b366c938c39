import type { Key } from '@ownkey/contract/api/keys';
import { useTranslation } from 'react-i18next';

/** The last four characters, the most that is ever shown of a key; short keys show none. */
export function LastFour({ last4 }: Pick<Key, 'last4'>) {
  const { t } = useTranslation();
  if (last4 === null) return <span className="text-text-3">{t('word.no_last_four')}</span>;
  return (
    <span className="font-mono text-compact whitespace-nowrap">
      <span aria-hidden="true">••••</span>
      {last4}
    </span>
  );
}
