import type { Spend } from '@ownkey/contract/api/money';
import { useTranslation } from 'react-i18next';
import { Money } from '../../ui/Facts.tsx';
import { MeterRow } from './MeterRow.tsx';
import { CREDITS_LOW_PERCENT, creditsLeftPercent } from './period-state.ts';
import { type Reader, untilText } from './reset-text.ts';

/** Credits of the plan: a meter of its own, never part of the money spent on own keys. */
export function CreditsRow({ credits, reader }: { credits: Spend['credits']; reader: Reader }) {
  const { t } = useTranslation();
  const left = creditsLeftPercent(credits);
  const until = t('spend.credits_hint', { until: untilText(credits.resets_at, reader) });
  if (credits.granted_usd === null || credits.remaining_usd === null || left === null) {
    return (
      <MeterRow name={t('spend.credits')} figure={<Money usd={credits.used_usd} />} word={t('spend.credits_unlimited')}>
        <p>{until}</p>
      </MeterRow>
    );
  }
  if (Number(credits.granted_usd) === 0) {
    return (
      <MeterRow name={t('spend.credits')} figure={t('spend.credits_none')}>
        <p>{t('spend.credits_none_hint')}</p>
      </MeterRow>
    );
  }
  return (
    <MeterRow
      name={t('spend.credits')}
      figure={
        <>
          <Money usd={credits.remaining_usd} />
          <span className="font-normal text-text-2">
            {' '}
            {t('spend.of')} <Money usd={credits.granted_usd} /> {t('spend.left')}
          </span>
        </>
      }
      word={left === 0 ? t('spend.credits_out') : t('spend.percent_used', { percent: 100 - left })}
      meter={{
        used: 100 - left,
        held: 0,
        tone: left === 0 ? 'bad' : left <= CREDITS_LOW_PERCENT ? 'warn' : 'plain',
      }}
    >
      <p>
        {Number(credits.reserved_usd) === 0 ? null : (
          <>
            <Money usd={credits.reserved_usd} /> {t('spend.held')} ·{' '}
          </>
        )}
        {until}
      </p>
    </MeterRow>
  );
}
