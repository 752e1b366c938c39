import { formatUsd } from '@ownkey/contract/money';
import type { NoticeEventData } from '@ownkey/contract/webhook-events';
import { type Database, first, type Sql } from '../../storage/database.ts';
import type { KeyMailFacts } from '../mail/key-mail.ts';
import { type Answered, countAnswered, IS_WORTH_TELLING, NOTICE_COLUMNS, type NoticeRow } from '../notices/store.ts';
import { findPersonsAddress, findRecipients, findToldCompany, type ToldCompany } from './recipients.ts';
import { enqueueDeliveries, enqueueMails, type Happening, TellFailure } from './told.ts';

interface UntoldRow extends NoticeRow {
  start_told_at: Date | null;
  end_told_at: Date | null;
}

/**
 * Writes the mails and deliveries of one notice of which something is not told yet, its beginning before its end, and notes that it
 * is: one transaction, as with alerts. Limits and silences that pass within a quarter of an hour are told to nobody. `except` are left
 * out. Returns its id, or null when there is none. @throws TellFailure with the id of the notice
 */
export async function tellNextNotice(
  database: Database,
  nameProvider: (slug: string) => string,
  except: readonly string[] = [],
): Promise<string | null> {
  let taken = '';
  try {
    return await database.everywhere(async (sql) => {
      // Index: notices_untold. What passed unworthy is taken too, to be noted as told.
      const notice = await first<UntoldRow>(
        sql,
        `SELECT ${NOTICE_COLUMNS}, n.start_told_at, n.end_told_at FROM notices n
         WHERE (n.start_told_at IS NULL OR (n.ended_at IS NOT NULL AND n.end_told_at IS NULL))
           AND (n.ended_at IS NOT NULL OR ${IS_WORTH_TELLING}) AND n.id <> ALL ($1)
         ORDER BY n.started_at LIMIT 1 FOR UPDATE SKIP LOCKED`,
        [except],
      );
      if (notice === null) return null;
      taken = notice.id;
      const company = await findToldCompany(sql, notice.company_id);
      if (company !== null) await tell(sql, notice, company, nameProvider);
      await sql.rows(
        `UPDATE notices SET start_told_at = coalesce(start_told_at, clock_timestamp()),
           end_told_at = CASE WHEN $2 THEN clock_timestamp() END WHERE id = $1`,
        [notice.id, notice.ended_at !== null],
      );
      return notice.id;
    });
  } catch (cause) {
    throw new TellFailure(taken, { cause });
  }
}

async function tell(
  sql: Sql,
  notice: UntoldRow,
  company: ToldCompany,
  nameProvider: (slug: string) => string,
): Promise<void> {
  const passing = notice.kind === 'key' && (notice.reason === 'unreachable' || notice.reason === 'rate_limited');
  const lasted = (notice.ended_at?.getTime() ?? Date.now()) - notice.started_at.getTime();
  const worth = !passing || lasted >= PATIENCE_MS;
  if (notice.start_told_at === null && worth) await tellPart(sql, notice, company, nameProvider, null);
  // Of a key that was removed, turned off or left, whoever did it knows.
  const says = notice.kind === 'fallback' || notice.resolution === 'recovered' || notice.resolution === 'replaced';
  if (notice.ended_at === null || !says || (notice.start_told_at === null && !worth)) return;
  const answered = await countAnswered(sql, notice);
  await tellPart(sql, notice, company, nameProvider, { at: notice.ended_at, answered });
}

const PATIENCE_MS = 15 * 60_000;
const HOUR_MS = 3_600_000;

type End = { at: Date; answered: Answered };

async function tellPart(
  sql: Sql,
  notice: NoticeRow,
  company: ToldCompany,
  nameProvider: (slug: string) => string,
  end: End | null,
): Promise<void> {
  const at = end?.at ?? notice.started_at;
  const event = EVENTS[notice.kind][end === null ? 'start' : 'end'];
  const what: Happening = {
    event,
    at,
    // However often a key comes and goes: one mail an hour of each kind. Webhooks hear all of it.
    mailKey: `notice:${event}:${notice.key_id}:${Math.floor(at.getTime() / HOUR_MS)}`,
    webhookKey: `notice:${event}:${notice.id}`,
  };
  if (!(await isSaidByFallback(sql, notice, end))) {
    const recipients =
      notice.user_id === null ? await findRecipients(sql, company) : await findPersonsAddress(sql, notice.user_id);
    const facts: KeyMailFacts = {
      company: company.name,
      provider: nameProvider(notice.slug),
      keyId: notice.key_id,
      last4: notice.last4,
      personal: notice.user_id !== null,
      kind: notice.kind,
      reason: notice.reason,
      words: notice.detail?.provider_message ?? null,
      httpStatus: notice.detail?.http_status ?? null,
      start: notice.started_at.toISOString(),
      end: end?.at.toISOString() ?? null,
      resolution: end === null ? null : notice.resolution,
      calls: end?.answered.calls ?? 0,
      cost: String(end?.answered.costNanoUsd ?? 0),
    };
    await enqueueMails(sql, company, recipients, what, { ...facts });
  }
  if (notice.user_id === null) await enqueueDeliveries(sql, company, what, { ...dataOf(notice, end) });
}

const EVENTS = {
  key: { start: 'key.invalid', end: 'key.recovered' },
  fallback: { start: 'fallback.started', end: 'fallback.ended' },
} as const;

/** Where the shared key answers for the same key, or stops to at the same moment, the mail of that says the same and more. */
async function isSaidByFallback(sql: Sql, notice: NoticeRow, end: End | null): Promise<boolean> {
  if (notice.kind === 'fallback') return false;
  const found = await first(
    sql,
    end === null
      ? `SELECT 1 FROM notices f WHERE f.key_id = $1 AND f.kind = 'fallback'
           AND tstzrange(f.started_at, f.ended_at, '[]') && tstzrange($2, $3, '[]') LIMIT 1`
      : `SELECT 1 FROM notices f WHERE f.key_id = $1 AND f.kind = 'fallback' AND f.started_at <= $3
           AND f.ended_at BETWEEN $3::timestamptz - interval '1 second' AND $3::timestamptz + interval '1 second'
           AND f.ended_at >= $2 LIMIT 1`,
    [notice.key_id, notice.started_at, notice.ended_at],
  );
  return found !== null;
}

function dataOf(notice: NoticeRow, end: End | null): NoticeEventData {
  return {
    notice: notice.id,
    reason: notice.reason,
    provider: notice.slug,
    key: notice.key_id,
    last4: notice.last4,
    started_at: notice.started_at.toISOString(),
    ended_at: end?.at.toISOString() ?? null,
    resolution: end === null ? null : notice.resolution,
    calls: end?.answered.calls ?? null,
    cost_usd: end === null ? null : formatUsd(end.answered.costNanoUsd),
  };
}
