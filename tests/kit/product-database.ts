import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findCluster } from '@ownkey/cli/postgres/place';
import { readPostmasterFile } from '@ownkey/cli/postgres/postmaster';
import { Client } from 'pg';

/** Rows of a running product's database as its superuser sees them; one connection a statement. */
export async function rowsOf<Row extends object = Record<string, unknown>>(
  directory: string,
  statement: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const client = new Client(databaseUrlOf(directory, 'postgres', 'pg.password'));
  await client.connect();
  try {
    await client.query('SET search_path = ownkey');
    return (await client.query<Row>(statement, [...values])).rows;
  } finally {
    await client.end();
  }
}

/** The address that one of the product's roles has in the embedded database of a data folder. */
export function databaseUrlOf(directory: string, role: string, passwordFile: string): string {
  const port = readPostmasterFile(findCluster(directory) ?? '')?.port ?? 0;
  const password = readFileSync(join(directory, passwordFile), 'utf8').trim();
  return `postgres://${role}:${password}@127.0.0.1:${port}/ownkey`;
}
