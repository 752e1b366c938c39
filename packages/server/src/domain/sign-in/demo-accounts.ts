import { first, type Sql } from '../../storage/database.ts';

/** Accounts of the demonstration, which the sign-in page of a development installation offers. Never in production. */
export interface DemoAccount {
  label: string;
  email: string;
  password: string;
}

export async function readDemoAccounts(sql: Sql): Promise<DemoAccount[]> {
  const row = await first<{ accounts: unknown }>(
    sql,
    "SELECT settings -> 'demo_accounts' AS accounts FROM installation WHERE id = 1",
  );
  return Array.isArray(row?.accounts) ? row.accounts.filter(isDemoAccount) : [];
}

/** Only the seed of `ownkey dev` calls this; the passwords are fresh at each start and printed in the terminal as well. */
export async function writeDemoAccounts(sql: Sql, accounts: readonly DemoAccount[]): Promise<void> {
  await sql.rows("UPDATE installation SET settings = jsonb_set(settings, '{demo_accounts}', $1::jsonb) WHERE id = 1", [
    JSON.stringify(accounts),
  ]);
}

function isDemoAccount(value: unknown): value is DemoAccount {
  return (
    typeof value === 'object' &&
    value !== null &&
    'label' in value &&
    typeof value.label === 'string' &&
    'email' in value &&
    typeof value.email === 'string' &&
    'password' in value &&
    typeof value.password === 'string'
  );
}
