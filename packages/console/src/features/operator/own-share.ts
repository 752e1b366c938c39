import { formatShare } from '../../format/count.ts';

/** How much of a company's month went to own keys; null: nothing was spent. */
export function ownShare({ month_usd, shared_usd }: { month_usd: string; shared_usd: string }): string | null {
  const month = Number(month_usd);
  return month === 0 ? null : formatShare(Math.max(0, month - Number(shared_usd)), month);
}
