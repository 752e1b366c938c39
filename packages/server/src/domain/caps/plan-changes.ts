import type { CapChange, CapsBody } from '@ownkey/contract/api/money';
import { OwnkeyError } from '@ownkey/contract/errors';
import { formatUsd } from '@ownkey/contract/money';
import { CAP_PERIODS, CAP_SUBJECTS, type CapPeriod, type CapRow, SELF } from '@ownkey/contract/spend';
import { AMOUNT_MAX, FIELD_OF, invalid, readAmount } from './amounts.ts';
import { rowOf, setCapOf } from './in-force.ts';
import type { StoredCaps } from './store.ts';

/** Name of the caps of every user without caps of their own. */
export const EVERY_USER = 'default';

/** One row to be written, or with `after` null to be removed. */
export interface CapChangePlan {
  readonly subject: string;
  readonly period: CapPeriod;
  readonly after: CapRow | null;
}

/** Who asks. `userIds`: ids of the users named in `users`. */
export interface CapsAsker {
  readonly userId: string | null;
  readonly isAdmin: boolean;
  readonly userIds: ReadonlyMap<string, string>;
}

type Amounts = Pick<CapChange, 'per_request_usd' | 'per_day_usd' | 'per_month_usd'>;

/**
 * The rows that change, in a form that can be previewed and written alike. Pure. A new amount ends a raise of its field unless one
 * is asked for with it; a raise of a preset writes the preset down as the company's own.
 * @throws OwnkeyError auth.role, request.invalid naming the field and what it may be
 */
export function planCapChanges(state: StoredCaps, wanted: CapsBody, asker: CapsAsker): CapChangePlan[] {
  const forAdmins = [wanted.company, wanted.users, wanted.fallback, wanted.block_unpriced];
  if (!asker.isAdmin && forAdmins.some((part) => part !== undefined)) throw new OwnkeyError('auth.role');
  const plans: CapChangePlan[] = [];
  if (wanted.company !== undefined) plans.push(...changesOf(state, CAP_SUBJECTS.company, 'company', wanted.company));
  for (const [name, change] of Object.entries(wanted.users ?? {})) {
    const subject = name === EVERY_USER ? CAP_SUBJECTS.users : (asker.userIds.get(name) ?? name);
    if (change !== null) plans.push(...changesOf(state, subject, `users.${name}`, change));
    else
      for (const period of CAP_PERIODS)
        if (rowOf(state.rows, subject, period) !== null) plans.push({ subject, period, after: null });
  }
  if (wanted.fallback !== undefined)
    plans.push(...changesOf(state, CAP_SUBJECTS.fallback, 'fallback', wanted.fallback));
  if (wanted.me !== undefined) plans.push(...ownChanges(withPlans(state, plans), wanted.me, asker.userId));
  return plans;
}

/** The state as it is after the changes. */
export function withPlans(state: StoredCaps, plans: readonly CapChangePlan[]): StoredCaps {
  const replaced = (row: CapRow): boolean =>
    plans.some((plan) => plan.subject === row.subject && plan.period === row.period);
  const added = plans.flatMap(({ after }) => (after === null ? [] : [after]));
  return { ...state, rows: [...state.rows.filter((row) => !replaced(row)), ...added] };
}

function changesOf(state: StoredCaps, subject: string, path: string, change: CapChange): CapChangePlan[] {
  return CAP_PERIODS.flatMap((period): CapChangePlan[] => {
    const field = FIELD_OF[period];
    const amount = change[field];
    const raise = change.raise?.[field];
    if (amount === undefined && raise === undefined) return [];
    const max = maxOf(state, period);
    const set = setCapOf(state.policies, state.rows, subject, period)?.amount ?? null;
    const base = amount === undefined ? set : readCap(state, subject, amount, `${path}.${field}`, max);
    if (raise === undefined || raise === null) {
      if (amount === undefined && rowOf(state.rows, subject, period)?.raised == null) return [];
      return [{ subject, period, after: { subject, period, amount: base, raised: null } }];
    }
    const name = `${path}.raise.${field}`;
    if (base === null) throw invalid(name, 'there is no cap to raise');
    if (base >= max) throw invalid(name, `the cap is ${formatUsd(base)}, and the most allowed is ${formatUsd(max)}`);
    const to = readAmount(raise.to_usd, `${name}.to_usd`, max, base + 1n);
    const raised = { to, from: state.today, until: lastDayOf(state.today, period, raise.periods) };
    return [{ subject, period, after: { subject, period, amount: base, raised } }];
  });
}

function readCap(
  { policies }: StoredCaps,
  subject: string,
  value: string | number | null,
  field: string,
  max: bigint,
): bigint | null {
  if (value !== null) return readAmount(value, field, max);
  if (subject === CAP_SUBJECTS.company && policies.caps.required)
    throw invalid(field, `a cap is required here, from 0 to ${formatUsd(max)} USD`);
  return null;
}

/** What users set for themselves only lowers what an admin set for them. */
function ownChanges(state: StoredCaps, wanted: Amounts, userId: string | null): CapChangePlan[] {
  if (userId === null) throw invalid('me', 'this token acts for the company, not for a person');
  const subject = `${SELF}${userId}`;
  return CAP_PERIODS.flatMap((period): CapChangePlan[] => {
    const value = wanted[FIELD_OF[period]];
    if (value === undefined) return [];
    if (value === null) return rowOf(state.rows, subject, period) === null ? [] : [{ subject, period, after: null }];
    const above = setCapOf(state.policies, state.rows, userId, period)?.amount ?? maxOf(state, period);
    const amount = readAmount(value, `me.${FIELD_OF[period]}`, above);
    return [{ subject, period, after: { subject, period, amount, raised: null } }];
  });
}

function maxOf({ policies }: StoredCaps, period: CapPeriod): bigint {
  const max = policies.caps.max[period];
  return max === null ? AMOUNT_MAX : BigInt(max);
}

/** Last day of the period that is `periods - 1` after the running one; requests go by days. */
function lastDayOf(today: string, period: CapPeriod, periods: number): string {
  const day = new Date(`${today}T00:00:00Z`);
  if (period === 'month') day.setUTCMonth(day.getUTCMonth() + periods, 0);
  else day.setUTCDate(day.getUTCDate() + periods - 1);
  return day.toISOString().slice(0, 10);
}
