import type { AuditQuery } from '@ownkey/contract/api/audit';
import type { AuditLine } from '@ownkey/contract/audit';
import { formatUsd } from '@ownkey/contract/money';
import type { Sql } from '../../storage/database.ts';

/** A line as it is read: an event, and for calls the row of `requests` as it is now. */
export interface LineRow {
  seq: string;
  id: string;
  at: Date;
  kind: string;
  actor: string;
  user_id: string | null;
  request_id: string | null;
  key_id: string | null;
  provider: string | null;
  last4: string | null;
  data: Record<string, unknown>;
  sealed: boolean;
  r_id: string | null;
  r_state: string | null;
  r_last4: string | null;
  account: string | null;
  operation: string | null;
  model: string | null;
  key_source: 'own' | 'platform' | null;
  http_status: number | null;
  input_tokens: string | null;
  output_tokens: string | null;
  cached_tokens: string | null;
  cost_nano_usd: string | null;
  cost_basis: 'reported' | 'counted' | 'estimated' | null;
  latency_ms: number | null;
  ttfb_ms: number | null;
  fallback_reason: string | null;
  fallback_for: string | null;
  after_id: string | null;
  price_id: string | null;
  actor_name: string | null;
  user_name: string | null;
}

/** Whether an event, and for a call each event of it, is in the chain. */
const SEALED = `NOT EXISTS (SELECT 1 FROM audit_events x WHERE (x.id = e.id OR (e.request_id IS NOT NULL AND x.request_id = e.request_id))
  AND NOT EXISTS (SELECT 1 FROM audit_chain c WHERE c.event_id = x.id))`;

const LINE = `SELECT e.seq, e.id, e.at, e.kind, e.actor, e.user_id, e.request_id, e.key_id, e.provider, e.last4, e.data,
    ${SEALED} AS sealed, r.id AS r_id, r.state AS r_state, r.last4 AS r_last4, r.account, r.operation, r.model, r.key_source,
    r.http_status, r.input_tokens, r.output_tokens, r.cached_tokens, r.cost_nano_usd, r.cost_basis, r.latency_ms, r.ttfb_ms,
    r.fallback_reason, r.fallback_for, r.after_id, r.price_id, coalesce(an.name, an.email, an.external_id, tn.name) AS actor_name,
    coalesce(un.name, un.email, un.external_id) AS user_name
  FROM audit_events e
  LEFT JOIN requests r ON r.day = e.request_day AND r.id = e.request_id
  LEFT JOIN users an ON an.id = e.actor LEFT JOIN tokens tn ON tn.id = e.actor LEFT JOIN users un ON un.id = e.user_id`;

export interface AuditView {
  readonly companyId: string;
  /** Only lines of this person; null = all of the company. */
  readonly onlyUser: string | null;
}

/**
 * One line a call (its later entries are folded into it, with what the call has come to by now) and one an event, newest first,
 * at most `limit`. Lists of models are left out unless asked for. Index: audit_events_by_company.
 */
export function listLines(
  sql: Sql,
  view: AuditView,
  query: Omit<AuditQuery, 'cursor' | 'limit'>,
  before: string | null,
  limit: number,
): Promise<LineRow[]> {
  const values: unknown[] = [view.companyId];
  const given = (value: unknown): string => `$${values.push(value)}`;
  const conditions = ["e.company_id = $1 AND e.kind NOT LIKE '%.settled'"];
  const where = (value: unknown, condition: (parameter: string) => string): void => {
    if (value !== undefined && value !== null) conditions.push(condition(given(value)));
  };
  where(before, (p) => `e.seq < ${p}::bigint`);
  where(view.onlyUser, (p) => `e.user_id = ${p}`);
  where(query.actor, (p) => `e.actor = ${personCalled(p)}`);
  where(query.user, (p) => `e.user_id = ${personCalled(p)}`);
  where(query.provider, (p) => `e.provider = ${p}`);
  where(query.key_id, (p) => `(e.key_id = ${p} AND r.key_source IS DISTINCT FROM 'platform')`);
  where(query.from, (p) => `e.at >= ${p}::timestamptz`);
  where(query.to, (p) => `e.at < ${p}::timestamptz`);
  if (query.kind === undefined) conditions.push("e.kind <> 'models.started'");
  else if (CALLS.has(query.kind)) where(`${query.kind}.started`, (p) => `e.kind = ${p}`);
  else where(query.kind, (p) => `(e.kind = ${p} OR starts_with(e.kind, ${p} || '.'))`);
  if (query.payer === 'fallback') conditions.push('r.fallback_reason IS NOT NULL');
  else where(query.payer, (p) => `r.key_source = ${p}`);
  if (query.status !== undefined) conditions.push(statusCondition(query.status, given));
  where(query.q === undefined || query.q.trim() === '' ? undefined : query.q.trim(), (p) => matches(p));
  return sql.rows(`${LINE} WHERE ${conditions.join(' AND ')} ORDER BY e.seq DESC LIMIT ${given(limit)}`, values);
}

/** People are named by our id or the host's, ours first; who is gone is found by our id. */
function personCalled(parameter: string): string {
  return `coalesce((SELECT u.id FROM users u WHERE u.company_id = $1 AND (u.id = ${parameter} OR u.external_id = ${parameter})
    ORDER BY (u.id = ${parameter}) DESC LIMIT 1), ${parameter})`;
}

/** Kinds that are calls of a provider: their line is their first entry. */
const CALLS: ReadonlySet<string> = new Set(['call', 'probe', 'models']);

function statusCondition(status: string, given: (value: unknown) => string): string {
  if (status === 'running') return "r.state = 'reserved'";
  if (status === 'ok') return 'r.http_status < 400';
  if (status === 'failed') return "(r.http_status >= 400 OR r.state IN ('released', 'expired'))";
  if (status.endsWith('xx')) return `r.http_status / 100 = ${given(Number(status.charAt(0)))}`;
  return `r.http_status = ${given(Number(status))}`;
}

function matches(parameter: string): string {
  const fields = [
    'e.request_id',
    'e.id',
    'e.kind',
    'e.provider',
    'r.model',
    'r.operation',
    'r.account',
    'un.name',
    'un.email',
    'an.name',
    'an.email',
    'tn.name',
  ];
  return `(${fields.map((field) => `position(lower(${parameter}) IN lower(${field})) > 0`).join(' OR ')} OR (r.key_source IS DISTINCT FROM 'platform' AND (e.last4 = ${parameter} OR e.key_id = ${parameter})))`;
}

/** The line of one call (by request id) or event (by its id). */
export async function findLine(sql: Sql, view: AuditView, id: string): Promise<LineRow | null> {
  const [row] = await sql.rows<LineRow>(
    `${LINE} WHERE e.company_id = $1 AND (e.request_id = $2 OR e.id = $2) AND ($3::text IS NULL OR e.user_id = $3)
     ORDER BY e.seq LIMIT 1`,
    [view.companyId, id, view.onlyUser],
  );
  return row ?? null;
}

export interface EntryRow {
  id: string;
  at: Date;
  kind: string;
  actor: string;
  sealed: boolean;
  data: Record<string, unknown>;
}

/** The entries of the record that a line stands for, oldest first. */
export function listEntries(sql: Sql, line: LineRow): Promise<EntryRow[]> {
  return sql.rows(
    `SELECT e.id, e.at, e.kind, e.actor, EXISTS (SELECT 1 FROM audit_chain c WHERE c.event_id = e.id) AS sealed, e.data
     FROM audit_events e WHERE CASE WHEN $2::text IS NULL THEN e.id = $1 ELSE e.request_id = $2 END ORDER BY e.seq LIMIT 100`,
    [line.id, line.request_id],
  );
}

/** A row as the API shows it. While a call runs, what it will come to is null. */
export function lineOf(row: LineRow): AuditLine & { actor_name: string | null; user_name: string | null } {
  const isCall = row.r_id !== null;
  const ended = isCall && row.r_state !== 'reserved';
  // Which shared key it was is the operator's business: companies see that it was a shared one.
  const shared = row.key_source === 'platform';
  const count = (value: string | null): number | null => (ended && value !== null ? Number(value) : null);
  return {
    id: row.id,
    at: row.at.toISOString(),
    kind: row.kind.endsWith('.started') ? row.kind.slice(0, -'.started'.length) : row.kind,
    actor: row.actor,
    actor_name: row.actor_name,
    user: row.user_id,
    user_name: row.user_name,
    account: row.account,
    provider: row.provider,
    key_id: shared ? null : row.key_id,
    last4: shared ? null : (row.r_last4 ?? row.last4),
    key_source: row.key_source,
    model: row.model,
    operation: row.operation,
    status: row.http_status,
    input_tokens: count(row.input_tokens),
    output_tokens: count(row.output_tokens),
    cached_tokens: count(row.cached_tokens),
    cost_usd: ended && row.cost_nano_usd !== null ? formatUsd(BigInt(row.cost_nano_usd)) : null,
    cost_basis: ended ? row.cost_basis : null,
    latency_ms: row.latency_ms,
    ttfb_ms: row.ttfb_ms,
    fallback_reason: row.fallback_reason,
    fallback_for: row.fallback_for,
    after_id: row.after_id,
    request_id: row.request_id,
    sealed: row.sealed,
    detail: isCall ? { state: row.r_state } : row.data,
  };
}
