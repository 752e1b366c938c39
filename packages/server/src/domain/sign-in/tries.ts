import { createHash } from 'node:crypto';
import { OwnkeyError } from '@ownkey/contract/errors';
import { type Database, first, type Sql } from '../../storage/database.ts';

const WINDOW_S = 60;
/** Per account and client 5 tries, per client 30, per account 30 from wherever. */
const LIMITS = { pair: 5, client: 30, account: 30 } as const;

/** The subjects a try counts against. Only hashes are stored: what people typed may be anything, also a password. */
function subjects(action: string, account: string, address: string): { subject: Buffer; limit: number }[] {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return [
    { subject: hash(`${action}\0pair\0${account}\0${address}`), limit: LIMITS.pair },
    { subject: hash(`${action}\0client\0${address}`), limit: LIMITS.client },
    { subject: hash(`${action}\0account\0${account}`), limit: LIMITS.account },
  ];
}

export interface Counted {
  /** Tries of this client at this account in this minute, this one included. */
  readonly tries: number;
  /** The first one that has to wait. */
  readonly firstToWait: boolean;
  /** 0 = it may be made. */
  readonly waitSeconds: number;
}

/**
 * Counts a try before it is made, so that parallel tries cannot pass the limit; `forgetTries` takes it back after success.
 * All servers share the count. Call it in a transaction of its own: the count must stay when the try fails.
 */
export async function countTry(sql: Sql, action: string, account: string, address: string): Promise<Counted> {
  let wait = 0;
  let pair: number | null = null;
  for (const { subject, limit } of subjects(action, account, address)) {
    const row = await first<{ tries: number; left_s: number }>(
      sql,
      `INSERT INTO sign_in_tries AS t (subject, tries) VALUES ($1, 1)
       ON CONFLICT (subject) DO UPDATE SET
         tries = CASE WHEN t.since < now() - make_interval(secs => $2) THEN 1 ELSE t.tries + 1 END,
         since = CASE WHEN t.since < now() - make_interval(secs => $2) THEN now()
                      WHEN t.tries = $3 THEN now() ELSE t.since END
       RETURNING tries, ceil(extract(epoch FROM since + make_interval(secs => $2) - now()))::int AS left_s`,
      [subject, WINDOW_S, limit - 1],
    );
    pair ??= row?.tries ?? 0;
    if (row !== null && row.tries > limit) wait = Math.max(wait, row.left_s, 1);
  }
  return { tries: pair ?? 0, firstToWait: pair === LIMITS.pair + 1, waitSeconds: wait };
}

/** @throws OwnkeyError auth.too_many_tries from the try after the limit until the window has passed */
export async function takeTry(database: Database, action: string, account: string, address: string): Promise<void> {
  const { waitSeconds } = await database.everywhere((sql) => countTry(sql, action, account, address));
  if (waitSeconds > 0) throw tooManyTries(waitSeconds);
}

export function tooManyTries(seconds: number): OwnkeyError {
  return new OwnkeyError('auth.too_many_tries', { seconds });
}

export async function forgetTries(sql: Sql, action: string, account: string, address: string): Promise<void> {
  const [pair, ...others] = subjects(action, account, address).map(({ subject }) => subject);
  await sql.rows('DELETE FROM sign_in_tries WHERE subject = $1', [pair]);
  await sql.rows('UPDATE sign_in_tries SET tries = greatest(tries - 1, 0) WHERE subject = ANY($1)', [others]);
}

/** Removes what counts no more. */
export async function removeOldTries(sql: Sql): Promise<void> {
  await sql.rows("DELETE FROM sign_in_tries WHERE since < now() - interval '1 hour'");
}
