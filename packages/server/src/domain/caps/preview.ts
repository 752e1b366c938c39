import type { CapPreview } from '@ownkey/contract/api/money';
import { CAP_SUBJECTS, METERS, SELF } from '@ownkey/contract/spend';
import type { Sql } from '../../storage/database.ts';
import { endOf, PAST_PERIODS, readPastSums, readSums } from '../spend/meters.ts';
import { FIELD_OF } from './amounts.ts';
import { amountOn, capOf } from './in-force.ts';
import { type CapChangePlan, EVERY_USER, withPlans } from './plan-changes.ts';
import type { StoredCaps } from './store.ts';
import { usd } from './view.ts';

/** What writing each of these changes would do, told from the ledger's own sums. Nothing is written. */
export async function previewChanges(
  sql: Sql,
  companyId: string,
  before: StoredCaps,
  plans: readonly CapChangePlan[],
): Promise<CapPreview[]> {
  const after = withPlans(before, plans);
  const previews: CapPreview[] = [];
  for (const plan of plans) previews.push(await previewOf(sql, companyId, { before, after, plan }));
  return previews;
}

async function previewOf(
  sql: Sql,
  companyId: string,
  { before, after, plan: { subject, period } }: { before: StoredCaps; after: StoredCaps; plan: CapChangePlan },
): Promise<CapPreview> {
  const { today } = before;
  const from = amountOn(capOf(before.policies, before.rows, subject, period), today);
  const to = amountOn(capOf(after.policies, after.rows, subject, period), today);
  const base = { for: nameOf(subject), field: FIELD_OF[period], from_usd: usd(from), to_usd: usd(to) };
  const meter = meterOf(subject);
  if (period === 'request' || meter === null) {
    return { ...base, ...NO_SUM, effect: effectOf(from === 0n, to === 0n), paused_until: null };
  }
  const { settled, reserved } = (await readSums(sql, companyId, [meter], today)).of(meter, period);
  const past = await readPastSums(sql, companyId, meter, period, today);
  const effect = effectOf(from !== null && settled >= from, to !== null && settled >= to);
  const pauses = effect === 'pauses' || effect === 'stays_paused';
  return {
    ...base,
    used_usd: usd(settled),
    reserved_usd: usd(reserved),
    effect,
    paused_until: pauses && to !== 0n ? endOf(period, today) : null,
    highest_usd: usd(past[0] ?? 0n),
    periods_reached: to === null ? 0 : past.filter((sum) => sum >= to).length,
    periods: PAST_PERIODS[period],
  };
}

const NO_SUM = { used_usd: null, reserved_usd: null, highest_usd: null, periods_reached: null, periods: null };

function effectOf(isPaused: boolean, willBePaused: boolean): CapPreview['effect'] {
  if (isPaused) return willBePaused ? 'stays_paused' : 'resumes';
  return willBePaused ? 'pauses' : 'none';
}

/** null = the caps of every user: each has a sum of their own. */
function meterOf(subject: string): string | null {
  if (subject === CAP_SUBJECTS.company) return METERS.company;
  if (subject === CAP_SUBJECTS.users) return null;
  return subject.startsWith(SELF) ? subject.slice(SELF.length) : subject;
}

function nameOf(subject: string): string {
  if (subject === CAP_SUBJECTS.users) return EVERY_USER;
  return subject.startsWith(SELF) ? 'me' : subject;
}
