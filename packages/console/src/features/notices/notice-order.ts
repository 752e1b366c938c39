import type { Notice } from '@ownkey/contract/api/notices';
import type { SpendNotice } from '../spend/spend-notice.ts';

/** What a banner may say: something about money, or about a key. */
export type Item = { about: 'spend'; notice: SpendNotice } | { about: 'key'; notice: Notice };

/** How long it is worth a banner that something works again. */
const RECOVERED_MS = 24 * 3_600_000;

/**
 * What should be said now, what matters most first: AI paused, calls that fail, another account that pays, caps that are near,
 * what works again. What this person dismissed is left out, but for what stops calls.
 */
export function orderItems(spend: SpendNotice | null, notices: readonly Notice[], now: number): Item[] {
  const open = notices.filter((notice) => notice.ended_at === null);
  const fallbacks = open.filter((notice) => notice.kind === 'fallback');
  // Where the shared key answers for a key, that says all of it.
  const failing = open.filter(
    (notice) => notice.kind === 'key' && !fallbacks.some((other) => other.key_id === notice.key_id),
  );
  const recovered = notices.filter(
    (notice) =>
      notice.kind === 'fallback' &&
      (notice.resolution === 'recovered' || notice.resolution === 'replaced') &&
      now - Date.parse(notice.ended_at ?? '') < RECOVERED_MS &&
      !open.some((other) => other.key_id === notice.key_id),
  );
  const keys = (list: readonly Notice[]): Item[] => list.filter(isShown).map((notice) => ({ about: 'key', notice }));
  const money: Item[] = spend === null ? [] : [{ about: 'spend', notice: spend }];
  const paused = spend?.kind === 'reached';
  return [
    ...(paused ? money : []),
    ...keys(failing.filter(stops)),
    ...keys(fallbacks),
    ...keys(failing.filter((notice) => !stops(notice))),
    ...(paused ? [] : money),
    ...keys(recovered),
  ];
}

/** Whether calls on this key fail and nobody else answers them: it is said until it is over. */
export function stops(notice: Notice): boolean {
  return notice.kind === 'key' && notice.ended_at === null && notice.on_failure === 'stop';
}

function isShown(notice: Notice): boolean {
  return stops(notice) || !notice.dismissed;
}
