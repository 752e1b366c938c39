import { FALLBACK_REASONS, NOTICE_RESOLUTIONS } from '@ownkey/contract/fallback';
import { KEY_STATUSES } from '@ownkey/contract/key';
import type { CapFacts } from '../mail/cap-mail.ts';
import type { KeyMailFacts } from '../mail/key-mail.ts';

/** Facts as the outbox stores them (jsonb); each reader gives null for what it does not know, such as another version's. */

type Stored = Readonly<Record<string, unknown>>;

export function readCapFacts(stored: Stored): CapFacts | null {
  const { company, period, threshold, cap, spent, reserved, loweredBy, start, at, top } = stored;
  if (period !== 'day' && period !== 'month') return null;
  if (typeof threshold !== 'number' || typeof company !== 'string' || !Array.isArray(top)) return null;
  if (!isAmount(cap) || !isAmount(spent) || !isAmount(reserved) || !isTime(start) || !isTime(at)) return null;
  const by = typeof loweredBy === 'string' ? loweredBy : null;
  return { company, period, threshold, cap, spent, reserved, loweredBy: by, start, at, top: top.filter(isTop) };
}

export function readKeyFacts(stored: Stored): KeyMailFacts | null {
  const { company, provider, keyId, last4, personal, kind, words, httpStatus, start, end, calls, cost } = stored;
  const reason = [...KEY_STATUSES, ...FALLBACK_REASONS].find((known) => known === stored.reason);
  const resolution = NOTICE_RESOLUTIONS.find((known) => known === stored.resolution) ?? null;
  if (typeof company !== 'string' || typeof provider !== 'string' || typeof keyId !== 'string') return null;
  if ((kind !== 'key' && kind !== 'fallback') || reason === undefined || !isTime(start)) return null;
  return {
    company,
    provider,
    keyId,
    last4: typeof last4 === 'string' ? last4 : null,
    personal: personal === true,
    kind,
    reason,
    words: typeof words === 'string' ? words : null,
    httpStatus: typeof httpStatus === 'number' ? httpStatus : null,
    start,
    end: isTime(end) ? end : null,
    resolution,
    calls: typeof calls === 'number' ? calls : 0,
    cost: isAmount(cost) ? cost : '0',
  };
}

/** A code that waits for its mail: encrypted, in base64url. */
export interface CodeFacts {
  readonly sealed: string;
}

export interface StoredInvitation extends CodeFacts {
  readonly company: string;
  readonly by: string | null;
  readonly role: 'admin' | 'member';
}

export function readCodeFacts(stored: Stored): CodeFacts | null {
  return typeof stored.sealed === 'string' ? { sealed: stored.sealed } : null;
}

export function readInvitationFacts(stored: Stored): StoredInvitation | null {
  const { company, by, role, sealed } = stored;
  if (typeof company !== 'string' || typeof sealed !== 'string' || (role !== 'admin' && role !== 'member')) return null;
  return { company, by: typeof by === 'string' ? by : null, role, sealed };
}

function isAmount(value: unknown): value is string {
  return typeof value === 'string' && /^\d{1,19}$/.test(value);
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}

function isTop(value: unknown): value is CapFacts['top'][number] {
  return (
    typeof value === 'object' &&
    value !== null &&
    'operation' in value &&
    typeof value.operation === 'string' &&
    'cost' in value &&
    isAmount(value.cost)
  );
}
