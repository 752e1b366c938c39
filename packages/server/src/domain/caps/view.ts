import type { CapAmountsUsd, CapRaise, Caps } from '@ownkey/contract/api/money';
import { formatUsd } from '@ownkey/contract/money';
import type { CapAmounts } from '@ownkey/contract/policies';
import { CAP_PERIODS, CAP_SUBJECTS, type CapPeriod, type CapRow, SELF } from '@ownkey/contract/spend';
import { FIELD_OF } from './amounts.ts';
import type { CapsCaller } from './caps.ts';
import { amountOn, capOf, isRaisedOn, rowOf, setCapOf } from './in-force.ts';
import { EVERY_USER } from './plan-changes.ts';
import type { LastChange, StoredCaps } from './store.ts';

/** Caps as the caller may see them: members see the company's and their own. */
export function capsView(state: StoredCaps, caller: CapsCaller, last: LastChange): Caps {
  const { policies, rows, today } = state;
  const self = caller.userId;
  const set = (subject: string): CapAmountsUsd =>
    amountsBy((period) => setCapOf(policies, rows, subject, period)?.amount ?? null);
  const inForce = (subject: string): CapAmountsUsd =>
    amountsBy((period) => amountOn(capOf(policies, rows, subject, period), today));
  const seen = usersSeen(rows, caller);
  return {
    company: set(CAP_SUBJECTS.company),
    users: Object.fromEntries([[EVERY_USER, set(CAP_SUBJECTS.users)], ...seen.map((id) => [id, set(id)] as const)]),
    fallback: set(CAP_SUBJECTS.fallback),
    me: self === null ? NONE : set(`${SELF}${self}`),
    in_force: {
      company: inForce(CAP_SUBJECTS.company),
      me: self === null ? NONE : inForce(self),
      fallback: inForce(CAP_SUBJECTS.fallback),
    },
    preset_fields: CAP_PERIODS.filter((period) => isPreset(state, period)).map((period) => FIELD_OF[period]),
    raises: rows.filter((row) => isSeen(row.subject, seen)).flatMap((row) => raiseView(row, today)),
    policy: policyView(policies.caps),
    block_unpriced: state.blockUnpriced,
    changed_at: last.at?.toISOString() ?? null,
    changed_by: last.by,
    etag: state.etag,
  };
}

export function policyView(caps: StoredCaps['policies']['caps']): Caps['policy'] {
  return { preset: policyAmounts(caps.preset), max: policyAmounts(caps.max), required: caps.required };
}

function policyAmounts(amounts: CapAmounts): CapAmountsUsd {
  return amountsBy((period) => {
    const amount = amounts[period];
    return amount === null ? null : BigInt(amount);
  });
}

export function amountsBy(amountOf: (period: CapPeriod) => bigint | null): CapAmountsUsd {
  return {
    per_request_usd: usd(amountOf('request')),
    per_day_usd: usd(amountOf('day')),
    per_month_usd: usd(amountOf('month')),
  };
}

export function usd(amount: bigint | null): string | null {
  return amount === null ? null : formatUsd(amount);
}

const NONE: CapAmountsUsd = amountsBy(() => null);

/** Ids of users with caps of their own that the caller may see. */
function usersSeen(rows: readonly CapRow[], { role, userId }: CapsCaller): string[] {
  const shared: readonly string[] = Object.values(CAP_SUBJECTS);
  const ids = new Set(rows.map(({ subject }) => subject).filter((id) => !shared.includes(id) && !id.startsWith(SELF)));
  return [...ids].filter((id) => role === 'admin' || id === userId);
}

function isSeen(subject: string, users: readonly string[]): boolean {
  return users.includes(subject) || Object.values<string>(CAP_SUBJECTS).includes(subject);
}

function isPreset({ policies, rows }: StoredCaps, period: CapPeriod): boolean {
  const row = rowOf(rows, CAP_SUBJECTS.company, period);
  return row === null || (row.amount === null && policies.caps.required);
}

function raiseView(row: CapRow, today: string): CapRaise[] {
  if (!isRaisedOn(row, today)) return [];
  const { to, from, until } = row.raised;
  return [
    {
      for: row.subject === CAP_SUBJECTS.users ? EVERY_USER : row.subject,
      field: FIELD_OF[row.period],
      base_usd: usd(row.amount),
      to_usd: formatUsd(to),
      from,
      until,
    },
  ];
}
