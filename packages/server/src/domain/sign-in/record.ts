import { networkOf } from '@ownkey/guard/client-address';
import type { Database, Sql } from '../../storage/database.ts';
import { recordEvent } from '../audit/record.ts';
import { countTry } from './tries.ts';

/**
 * Sign-in in the record. Entries cannot be taken out of it again, so they hold the network a client came from and ids, never its
 * address, an email or what was typed; the session, while it exists, says the rest.
 */

/** Whose account it is: of a company's user or of an operator. */
export interface Account {
  readonly id: string;
  readonly operator_id: string | null;
  readonly user_id: string | null;
  readonly company_id: string | null;
}

type AccountEvent =
  | 'signed_in'
  | 'signed_out'
  | 'sign_in_refused'
  | 'session.revoked'
  | 'password.reset_asked'
  | 'password.changed';

export function recordAccountEvent(
  sql: Sql,
  account: Account,
  kind: AccountEvent,
  data: Readonly<Record<string, unknown>>,
  actor: string = account.user_id ?? account.operator_id ?? account.id,
): Promise<void> {
  return recordEvent(sql, { company: account.company_id, kind, actor, user: account.user_id, data });
}

const UNKNOWN = 'sign-in unknown';

/**
 * A refused try: the first of a minute from one client at one account, and the one from which on it has to wait. Of accounts that
 * are not there the installation's record tells, at most 5 a minute from everywhere.
 */
export async function recordRefusedSignIn(
  database: Database,
  account: Account | null,
  address: string,
  waits: boolean,
): Promise<void> {
  const data = { network: networkOf(address), ...(waits ? { waits: true } : {}) };
  if (account !== null) {
    await database.everywhere((sql) => recordAccountEvent(sql, account, 'sign_in_refused', data, 'unknown'));
    return;
  }
  const counted = await database.everywhere((sql) => countTry(sql, UNKNOWN, '', ''));
  if (counted.waitSeconds > 0) return;
  await database.everywhere((sql) =>
    recordEvent(sql, {
      company: null,
      kind: 'sign_in_refused',
      actor: 'unknown',
      data: { ...data, account: 'unknown' },
    }),
  );
}
