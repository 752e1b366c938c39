import type { Policies } from '@ownkey/contract/policies';
import { CAP_SUBJECTS, type CapPeriod, type CapRow, SELF } from '@ownkey/contract/spend';
import { companyCap, userCap } from '@ownkey/policy/caps';

/** What a cap comes to on a day (UTC): a raise counts while it lasts. null = none. */
export function amountOn(cap: CapRow | null, day: string): bigint | null {
  if (cap === null || cap.amount === null) return null;
  return isRaisedOn(cap, day) ? cap.raised.to : cap.amount;
}

/** Days as `YYYY-MM-DD` compare as text. */
export function isRaisedOn(cap: CapRow, day: string): cap is CapRow & { raised: NonNullable<CapRow['raised']> } {
  return cap.raised !== null && cap.raised.from <= day && day <= cap.raised.until;
}

/** The cap that holds for a subject: with the host's preset for the company, and for a user with what is set for all of them. */
export function capOf(
  policies: Pick<Policies, 'caps'>,
  rows: readonly CapRow[],
  subject: string,
  period: CapPeriod,
): CapRow | null {
  if (subject === CAP_SUBJECTS.company) return companyCap(policies, rows, period);
  if (subject === CAP_SUBJECTS.users || subject === CAP_SUBJECTS.fallback) return rowOf(rows, subject, period);
  return userCap(rows, subject.startsWith(SELF) ? subject.slice(SELF.length) : subject, period);
}

/** What is set for a subject: a user's own lower cap is left aside, and is by itself under `me:<id>`. */
export function setCapOf(
  policies: Pick<Policies, 'caps'>,
  rows: readonly CapRow[],
  subject: string,
  period: CapPeriod,
): CapRow | null {
  if (subject === CAP_SUBJECTS.company) return companyCap(policies, rows, period);
  const row = rowOf(rows, subject, period);
  const isUser = subject !== CAP_SUBJECTS.users && subject !== CAP_SUBJECTS.fallback && !subject.startsWith(SELF);
  return row ?? (isUser ? rowOf(rows, CAP_SUBJECTS.users, period) : null);
}

export function rowOf(rows: readonly CapRow[], subject: string, period: CapPeriod): CapRow | null {
  return rows.find((row) => row.subject === subject && row.period === period) ?? null;
}
