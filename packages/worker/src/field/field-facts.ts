import type { FieldProvider } from '@ownkey/contract/field';
import { PLATFORM_OWNER } from '@ownkey/contract/key';
import { isParentOrigin, readPolicies } from '@ownkey/contract/policies';
import type { Catalogue } from '@ownkey/providers/catalogue';
import type { Sql } from '../access/load.ts';
import type { Targets } from '../gateway/targets.ts';

/** What the secure field says in the worker's words: providers with where their keys go, and companies by name. */

/** How keys of each provider look, and the host that the worker's own configuration sends them to. */
export function fieldProviders(catalogue: Catalogue, targets: Pick<Targets, 'baseUrlOf'>): FieldProvider[] {
  return [...catalogue.entries.values()].flatMap(({ id, name, key }) => {
    const url = targets.baseUrlOf(id);
    if (url === null) return [];
    const { prefixes, shared_prefixes, min_length } = key;
    const shared = shared_prefixes === undefined ? {} : { shared_prefixes };
    return [{ id, name, host: new URL(url).host, key: { prefixes, min_length, ...shared } }];
  });
}

/** Name of the company of exactly this id; null = there is none. Ids of hosts, which can be guessed, are not looked up. */
export async function companyName(sql: Sql, id: string): Promise<string | null> {
  if (id === PLATFORM_OWNER || !/^co_[0-9A-Za-z]{10,60}$/.test(id)) return null;
  const { rows } = await sql.query<{ name: string }>('SELECT name FROM companies WHERE id = $1', [id]);
  return rows[0]?.name ?? null;
}

/** Origins that may hold the field now: the console's and those that the operator listed. */
export async function listedParents(sql: Sql, consoleUrl: string | null): Promise<string[]> {
  const { rows } = await sql.query<{ settings: Record<string, unknown> }>('SELECT settings FROM installation', []);
  const { parent_origins } = readPolicies(rows[0]?.settings ?? {}).embed;
  const own = consoleUrl === null ? [] : [new URL(consoleUrl).origin];
  return [...new Set([...own, ...parent_origins.filter(isParentOrigin)])];
}
