import type { CapsBody } from '@ownkey/contract/api/money';
import { OwnkeyError } from '@ownkey/contract/errors';
import { formatUsd } from '@ownkey/contract/money';
import { CAP_SUBJECTS, type CapRow, METERS } from '@ownkey/contract/spend';
import type { Sql } from '../../storage/database.ts';
import { recordEvent } from '../audit/record.ts';
import { changeSettings } from '../settings/settings.ts';
import { FIELD_OF } from './amounts.ts';
import { amountOn, capOf, rowOf, setCapOf } from './in-force.ts';
import { type CapChangePlan, EVERY_USER, planCapChanges, withPlans } from './plan-changes.ts';
import { findUserIds, lastCapsChange, readCaps, removeCap, type StoredCaps, writeCap } from './store.ts';

/** Caps of a company. A change is obeyed by the very next call on every worker, and what is used already meets it at once. */

export interface CapsCaller {
  readonly companyId: string;
  readonly userId: string | null;
  readonly role: 'admin' | 'member';
  readonly actor: string;
}

/**
 * What saving would change; nothing is written.
 * @throws OwnkeyError auth.role, not_found (a user of nobody's, or of another company), request.invalid
 */
export async function planCaps(
  sql: Sql,
  state: StoredCaps,
  caller: CapsCaller,
  wanted: CapsBody,
): Promise<CapChangePlan[]> {
  const isAdmin = caller.role === 'admin';
  if (!isAdmin && wanted.users !== undefined) throw new OwnkeyError('auth.role');
  const names = Object.keys(wanted.users ?? {}).filter((name) => name !== EVERY_USER);
  const userIds = await findUserIds(sql, caller.companyId, names);
  return planCapChanges(state, wanted, { userId: caller.userId, isAdmin, userIds });
}

/**
 * Changes what is named, with its event, in one transaction; two at once do it one after the other.
 * @throws OwnkeyError conflict.changed, auth.role, not_found, request.invalid
 */
export async function changeCaps(
  sql: Sql,
  caller: CapsCaller,
  wanted: CapsBody,
  ifMatch: string | null,
): Promise<StoredCaps> {
  const { companyId, actor } = caller;
  const before = await readCaps(sql, companyId, 'lock');
  if (ifMatch !== null && ifMatch !== '*' && ifMatch !== before.etag) {
    const last = await lastCapsChange(sql, companyId);
    throw new OwnkeyError('conflict.changed', { who: last.by ?? 'Somebody', at: last.at?.toISOString() ?? null });
  }
  const plans = (await planCaps(sql, before, caller, wanted)).filter((plan) => isChange(before, plan));
  const { block_unpriced } = wanted;
  const turned = block_unpriced !== undefined && block_unpriced !== before.blockUnpriced;
  if (plans.length === 0 && !turned) return before;
  for (const plan of plans) {
    if (plan.after === null) await removeCap(sql, companyId, plan);
    else await writeCap(sql, companyId, plan.after, actor);
  }
  if (turned) await changeSettings(sql, companyId, { block_unpriced_models: block_unpriced }, null, actor);
  await sql.rows('UPDATE companies SET caps_version = caps_version + 1 WHERE id = $1', [companyId]);
  const after = withPlans(before, plans);
  await sql.rows('SELECT meet_caps($1, $2, $3)', [companyId, actor, JSON.stringify(companyLimits(after))]);
  const data = {
    changes: plans.map((plan) => factsOf(before, plan)),
    ...(turned ? { block_unpriced } : {}),
  };
  await recordEvent(sql, { company: companyId, kind: 'caps.changed', actor, data });
  return readCaps(sql, companyId, 'no lock');
}

/** The company's own sums and the caps now in force on them, as `meet_caps` takes them. */
function companyLimits({ policies, rows, today }: StoredCaps): { meter: string; kind: string; cap: string | null }[] {
  return (['day', 'month'] as const).map((period) => {
    const cap = amountOn(capOf(policies, rows, CAP_SUBJECTS.company, period), today);
    return { meter: METERS.company, kind: period, cap: cap?.toString() ?? null };
  });
}

function isChange(state: StoredCaps, { subject, period, after }: CapChangePlan): boolean {
  const before = rowOf(state.rows, subject, period);
  if (before === null || after === null) return before !== after;
  return textOf(before) !== textOf(after);
}

function textOf({ amount, raised }: CapRow): string {
  return [amount, raised?.to, raised?.from, raised?.until].map(String).join(' ');
}

/** For the record: amounts without raises, as they stood and stand. */
function factsOf(state: StoredCaps, { subject, period, after }: CapChangePlan): Record<string, unknown> {
  const before = setCapOf(state.policies, state.rows, subject, period);
  const raised = after?.raised ?? null;
  return {
    for: subject,
    field: FIELD_OF[period],
    from: before?.amount == null ? null : formatUsd(before.amount),
    to: after?.amount == null ? null : formatUsd(after.amount),
    ...(raised === null ? {} : { raised_to: formatUsd(raised.to), until: raised.until }),
    ...(before?.raised != null && raised === null ? { raise_ended: true } : {}),
  };
}
