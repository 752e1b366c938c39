import { isId } from '@ownkey/contract/ids';
import type { Sql } from '../../storage/database.ts';

/**
 * Actors are ids: of users, tokens, operators. This gives them as people read them: names or emails of users, names of tokens;
 * "operator" and "host" for those above companies; what is gone keeps its id.
 */
export async function findActorNames(
  sql: Sql,
  actors: readonly (string | null)[],
): Promise<(actor: string | null) => string | null> {
  const ids = [...new Set(actors.filter((actor) => actor !== null))];
  const names = new Map<string, string>();
  if (ids.length > 0) {
    const found = await sql.rows<{ id: string; name: string | null }>(
      `SELECT id, coalesce(name, email, external_id) AS name FROM users WHERE id = ANY($1)
       UNION ALL SELECT id, name FROM tokens WHERE id = ANY($1)`,
      [ids],
    );
    for (const { id, name } of found) if (name !== null) names.set(id, name);
  }
  return (actor) => {
    if (actor === null) return null;
    return names.get(actor) ?? (isId('operator', actor) ? 'operator' : isId('token', actor) ? 'a token' : actor);
  };
}
