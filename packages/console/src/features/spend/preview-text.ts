import type { CapPreview } from '@ownkey/contract/api/money';
import { formatUsd } from '../../format/money.ts';
import { type Reader, untilText } from './reset-text.ts';

/** What saving one cap would do, in sentences; the effect on running AI first. */
export function previewText(preview: CapPreview, reader: Reader): string[] {
  const { t, locale } = reader;
  return [effectText(preview, reader), historyText(preview, reader)]
    .concat(
      preview.to_usd === null && preview.effect !== 'pauses'
        ? [t(preview.for === 'company' ? 'spend.no_cap' : 'caps.no_own_cap')]
        : preview.highest_usd !== null && Number(preview.highest_usd) > 0
          ? [t(`caps.highest_${monthly(preview)}`, { amount: formatUsd(preview.highest_usd, locale) })]
          : [],
    )
    .filter((line) => line !== null);
}

function effectText(preview: CapPreview, reader: Reader): string | null {
  const { t, locale } = reader;
  if (preview.effect === 'resumes') return t('caps.resumes');
  if (preview.effect === 'none') return null;
  const used = preview.used_usd === null ? null : formatUsd(preview.used_usd, locale);
  const until =
    preview.paused_until === null
      ? t('caps.until_raised')
      : t('caps.until', { at: untilText(preview.paused_until, reader) });
  const effect = t(preview.effect === 'pauses' ? 'caps.pauses' : 'caps.stays_paused', { until });
  return used === null ? effect : `${t('caps.used', { amount: used })} ${effect}`;
}

function historyText(preview: CapPreview, { t }: Reader): string | null {
  if (preview.periods_reached === null || preview.periods === null || preview.to_usd === null) return null;
  if (preview.periods_reached === 0) return null;
  return t(`caps.reached_${monthly(preview)}`, { count: preview.periods_reached, periods: preview.periods });
}

function monthly(preview: CapPreview): 'day' | 'month' {
  return preview.field === 'per_month_usd' ? 'month' : 'day';
}
