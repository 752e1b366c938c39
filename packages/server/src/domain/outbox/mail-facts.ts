import type { CapFacts } from '../mail/cap-mail.ts';

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
