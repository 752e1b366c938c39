import type { Policies } from '@ownkey/contract/policies';
import {
  CAP_PERIODS,
  CAP_SUBJECTS,
  type CapPeriod,
  type CapRow,
  type Limit,
  METERS,
  SELF,
} from '@ownkey/contract/spend';

export interface CapInput {
  policies: Pick<Policies, 'caps'>;
  rows: readonly CapRow[];
  /** Whom the call is for; null = the company itself. */
  userId: string | null;
  /** The call is a fallback to the platform's key. */
  fallback: boolean;
}

/** Every cap in money that applies to one call. Pure: both planes decide alike. */
export function capsFor({ policies, rows, userId, fallback }: CapInput): Limit[] {
  const limits: Limit[] = [];
  for (const period of CAP_PERIODS) {
    add(limits, METERS.company, period, companyCap(policies, rows, period));
    if (userId !== null) add(limits, userId, period, userCap(rows, userId, period));
    if (fallback) add(limits, METERS.fallback, period, find(rows, CAP_SUBJECTS.fallback, period));
  }
  return limits;
}

/** The company's cap of a period: what it set, else the host's preset. Where caps are required, none set is the preset too. */
export function companyCap({ caps }: CapInput['policies'], rows: readonly CapRow[], period: CapPeriod): CapRow | null {
  const row = find(rows, CAP_SUBJECTS.company, period);
  const preset = caps.preset[period];
  if (row !== null && (row.amount !== null || !caps.required)) return withinMax(row, caps.max[period]);
  return preset === null
    ? null
    : { subject: CAP_SUBJECTS.company, period, amount: BigInt(preset), raised: row?.raised ?? null };
}

/** The most the host allows binds what was set before, too. */
function withinMax(row: CapRow, max: number | null): CapRow {
  if (max === null || row.amount === null) return row;
  const most = BigInt(max);
  const least = (amount: bigint): bigint => (amount < most ? amount : most);
  return { ...row, amount: least(row.amount), raised: row.raised && { ...row.raised, to: least(row.raised.to) } };
}

/** A user's cap: their own row, else that for all users; what they set for themselves counts where it is lower. */
export function userCap(rows: readonly CapRow[], userId: string, period: CapPeriod): CapRow | null {
  const set = find(rows, userId, period) ?? find(rows, CAP_SUBJECTS.users, period);
  const self = find(rows, `${SELF}${userId}`, period);
  if (self === null || self.amount === null) return set;
  // A raise of the admin's does not lift what the user set for themselves.
  return set === null || set.amount === null || self.amount < set.amount ? { ...self, raised: null } : set;
}

function find(rows: readonly CapRow[], subject: string, period: CapPeriod): CapRow | null {
  return rows.find((row) => row.subject === subject && row.period === period) ?? null;
}

function add(limits: Limit[], meter: string, kind: CapPeriod, row: CapRow | null): void {
  if (row === null || row.amount === null) return;
  limits.push({ meter, kind, cap: row.amount, ...(row.raised === null ? {} : { raised: row.raised }) });
}
