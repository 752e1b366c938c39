import type { Operation } from '@ownkey/contract/api/operations';
import { OwnkeyError } from '@ownkey/contract/errors';
import { CUSTOM_PROVIDER } from '@ownkey/contract/key';
import { parseModelName } from '@ownkey/policy/model-name';
import { type Catalogue, resolveProvider } from '@ownkey/providers/catalogue';
import { first, type Sql } from '../../storage/database.ts';
import { recordEvent } from '../audit/record.ts';
import { decidePayer, type PayerState } from '../keys/payer.ts';
import { findActorNames } from '../members/actor-names.ts';

/** Which model the product's operations use. A choice reaches the very next call on every worker. */

const UNSET_ETAG = '"0"';
const OPERATIONS_MAX = 1_000;

interface OperationRow {
  name: string;
  model: string | null;
  operations: string;
  last_used_on: string | null;
  row_version: string | null;
  changed_at: Date | null;
  changed_by: string | null;
}

const SELECT = `SELECT coalesce(o.operation, u.operation) AS name, o.model, coalesce(u.calls, 0)::text AS operations,
    u.last AS last_used_on, o.row_version::text, o.changed_at, o.changed_by
  FROM (SELECT operation, sum(requests) AS calls, to_char(max(hour) AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS last
    FROM usage_hourly WHERE company_id = $1 AND hour >= ledger_now() - interval '30 days' GROUP BY operation) u
  FULL JOIN (SELECT * FROM operation_models WHERE company_id = $1) o ON o.operation = u.operation`;

/** The choice for all others first, then by use. */
export async function listOperations(
  sql: Sql,
  catalogue: Catalogue,
  state: PayerState,
  userId: string | null,
): Promise<Operation[]> {
  const rows = await sql.rows<OperationRow>(
    `SELECT * FROM (${SELECT}) x ORDER BY (name <> ''), operations::bigint DESC, name LIMIT ${OPERATIONS_MAX}`,
    [state.company.id],
  );
  const name = await findActorNames(
    sql,
    rows.map((row) => row.changed_by),
  );
  const all = rows.some((row) => row.name === '') ? rows : [{ ...NEVER, name: '' }, ...rows];
  return all.map((row) => toOperation(row, catalogue, state, userId, name));
}

const NEVER: Omit<OperationRow, 'name'> = {
  model: null,
  operations: '0',
  last_used_on: null,
  row_version: null,
  changed_at: null,
  changed_by: null,
};

/**
 * Sets or clears the choice of one operation ('' = of all others).
 * @throws OwnkeyError conflict.changed, request.invalid for a name without a provider of the company's, and what would refuse a call
 *   with that model now (plan.*, key.*, model.not_allowed)
 */
export async function putOperationModel(
  sql: Sql,
  catalogue: Catalogue,
  state: PayerState,
  to: { operation: string; model: string | null },
  ifMatch: string | null,
  caller: { userId: string | null; actor: string },
): Promise<Operation> {
  const { id } = state.company;
  const before = await first<{ model: string; row_version: string; changed_by: string | null; changed_at: Date }>(
    sql,
    'SELECT model, row_version, changed_by, changed_at FROM operation_models WHERE company_id = $1 AND operation = $2 FOR UPDATE',
    [id, to.operation],
  );
  const name = await findActorNames(sql, [before?.changed_by ?? null, caller.actor]);
  const etag = before === null ? UNSET_ETAG : `"${before.row_version}"`;
  if (ifMatch !== null && ifMatch !== '*' && ifMatch !== etag) {
    const who = name(before?.changed_by ?? null) ?? 'Somebody';
    throw new OwnkeyError('conflict.changed', { who, at: before?.changed_at.toISOString() ?? null });
  }
  if (to.model === null) {
    await sql.rows('DELETE FROM operation_models WHERE company_id = $1 AND operation = $2', [id, to.operation]);
  } else {
    checkUsable(catalogue, state, caller.userId, to.model);
    await sql.rows(
      `INSERT INTO operation_models AS o (company_id, operation, model, changed_by) VALUES ($1, $2, $3, $4)
       ON CONFLICT (company_id, operation) DO UPDATE SET model = excluded.model, changed_by = excluded.changed_by,
         changed_at = clock_timestamp(), row_version = o.row_version + 1`,
      [id, to.operation, to.model, caller.actor],
    );
  }
  const data = { operation: to.operation, from: before?.model ?? null, to: to.model };
  await recordEvent(sql, { company: id, kind: 'operation.model_chosen', actor: caller.actor, data });
  const after = await first<OperationRow>(sql, `SELECT * FROM (${SELECT}) x WHERE name = $2`, [id, to.operation]);
  return toOperation(after ?? { ...NEVER, name: to.operation }, catalogue, state, caller.userId, name);
}

function toOperation(
  row: OperationRow,
  catalogue: Catalogue,
  state: PayerState,
  userId: string | null,
  name: (actor: string | null) => string | null,
): Operation {
  return {
    name: row.name,
    model: row.model,
    key_source: row.model === null ? null : payerOf(catalogue, state, userId, row.model),
    operations: Number(row.operations),
    last_used_on: row.last_used_on,
    changed_at: row.changed_at?.toISOString() ?? null,
    changed_by: name(row.changed_by),
    etag: row.row_version === null ? UNSET_ETAG : `"${row.row_version}"`,
  };
}

function payerOf(catalogue: Catalogue, state: PayerState, userId: string | null, model: string) {
  const decision = decideFor(catalogue, state, userId, model);
  return decision === null || decision.kind === 'none' ? null : decision.kind;
}

function checkUsable(catalogue: Catalogue, state: PayerState, userId: string | null, model: string): void {
  const decision = decideFor(catalogue, state, userId, model);
  if (decision === null) {
    const problem = 'model: name it as provider/model, with a provider or endpoint of yours.';
    throw new OwnkeyError('request.invalid', { problem, param: 'model' });
  }
  if (decision.kind === 'none') throw new OwnkeyError(decision.code, decision.facts);
}

/** null = the name has no provider of the catalogue and no endpoint of the company in it. */
function decideFor(catalogue: Catalogue, state: PayerState, user: string | null, name: string) {
  const parsed = parseModelName(name, (segment) => {
    const entry = resolveProvider(catalogue, segment);
    if (entry !== undefined) return entry.id;
    return state.keys.some((key) => key.slug === segment && key.owner === 'company') ? segment : null;
  });
  if (parsed.kind === 'bare') return null;
  const { slug, model } = parsed;
  const entry = catalogue.entries.get(slug);
  const call = { slug, provider: entry?.id ?? CUSTOM_PROVIDER, providerName: entry?.name ?? slug, user, model };
  return decidePayer(state, call);
}
