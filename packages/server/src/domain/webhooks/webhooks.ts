import { OwnkeyError } from '@ownkey/contract/errors';
import { newId } from '@ownkey/contract/ids';
import { WEBHOOK_EVENTS, WEBHOOK_TEST, type WebhookMessage } from '@ownkey/contract/webhook-events';
import { openText, sealText } from '../../platform/sealed-text.ts';
import { first, type Sql } from '../../storage/database.ts';
import { recordEvent } from '../audit/record.ts';
import { enqueue } from '../outbox/entry.ts';
import { newWebhookSecret } from './sign.ts';

/** Webhooks of a company. Addresses were checked by `assertCallable`; the secret is shown once and stored encrypted. */
export interface WebhookRow {
  id: string;
  company_id: string;
  url: string;
  events: string[];
  enabled: boolean;
  created_by: string | null;
  created_at: Date;
  last_tried_at: Date | null;
  last_delivered_at: Date | null;
  last_status: number | null;
}

const COLUMNS =
  'id, company_id, url, events, enabled, created_by, created_at, last_tried_at, last_delivered_at, last_status';
const WEBHOOKS_MAX = 10;
const TEST_EVERY_MS = 5000;
/** A test says whether the address works now: nobody waits a day for it. */
const TEST_HOURS = 0.1;

export function listWebhooks(sql: Sql, companyId: string, after: string, limit: number): Promise<WebhookRow[]> {
  return sql.rows(`SELECT ${COLUMNS} FROM webhooks WHERE company_id = $1 AND id > $2 ORDER BY id LIMIT $3`, [
    companyId,
    after,
    limit,
  ]);
}

/** @throws OwnkeyError not_found */
export async function getWebhook(sql: Sql, companyId: string, id: string): Promise<WebhookRow> {
  const row = await first<WebhookRow>(sql, `SELECT ${COLUMNS} FROM webhooks WHERE company_id = $1 AND id = $2`, [
    companyId,
    id,
  ]);
  if (row === null) throw new OwnkeyError('not_found');
  return row;
}

/** The secret is in this answer and nowhere else. @throws OwnkeyError webhook.too_many */
export async function createWebhook(
  sql: Sql,
  authSecret: string,
  wanted: { companyId: string; url: string; events: readonly string[] | undefined; actor: string },
): Promise<{ row: WebhookRow; secret: string }> {
  // One at a time per company, so that two callers cannot pass the limit together.
  await sql.rows('SELECT 1 FROM companies WHERE id = $1 FOR NO KEY UPDATE', [wanted.companyId]);
  const count = await first<{ n: number }>(sql, 'SELECT count(*)::int AS n FROM webhooks WHERE company_id = $1', [
    wanted.companyId,
  ]);
  if ((count?.n ?? 0) >= WEBHOOKS_MAX) throw new OwnkeyError('webhook.too_many', { limit: WEBHOOKS_MAX });
  const id = newId('webhook');
  const secret = newWebhookSecret();
  await sql.rows(
    'INSERT INTO webhooks (id, company_id, url, secret, events, created_by) VALUES ($1, $2, $3, $4, $5, $6)',
    [
      id,
      wanted.companyId,
      wanted.url,
      sealText(authSecret, 'webhook-secret', `${wanted.companyId}/${id}`, secret),
      [...new Set(wanted.events ?? WEBHOOK_EVENTS)],
      wanted.actor,
    ],
  );
  await recordWebhook(sql, 'webhook.created', wanted.companyId, wanted.actor, id, wanted.url);
  return { row: await getWebhook(sql, wanted.companyId, id), secret };
}

/** Members not named stay. @throws OwnkeyError not_found */
export async function changeWebhook(
  sql: Sql,
  companyId: string,
  id: string,
  wanted: { url?: string | undefined; events?: readonly string[] | undefined; enabled?: boolean | undefined },
  actor: string,
): Promise<WebhookRow> {
  const row = await getWebhook(sql, companyId, id);
  const url = wanted.url ?? row.url;
  await sql.rows('UPDATE webhooks SET url = $2, events = $3, enabled = $4 WHERE id = $1', [
    id,
    url,
    [...new Set(wanted.events ?? row.events)],
    wanted.enabled ?? row.enabled,
  ]);
  await recordWebhook(sql, 'webhook.changed', companyId, actor, id, url);
  return getWebhook(sql, companyId, id);
}

/** With what is queued for it and what was sent. @throws OwnkeyError not_found */
export async function removeWebhook(sql: Sql, companyId: string, id: string, actor: string): Promise<void> {
  const { url } = await getWebhook(sql, companyId, id);
  await sql.rows("DELETE FROM outbox WHERE channel = 'webhook' AND target = $1", [id]);
  await sql.rows('DELETE FROM webhooks WHERE id = $1', [id]);
  await recordWebhook(sql, 'webhook.removed', companyId, actor, id, url);
}

/** Queues `webhook.test`. Within 5 s it is the same delivery: pressing often sends once. @throws OwnkeyError not_found */
export async function testWebhook(sql: Sql, companyId: string, id: string, now: Date): Promise<DeliveryRow> {
  const row = await getWebhook(sql, companyId, id);
  const company = await first<{ external_id: string | null; name: string }>(
    sql,
    'SELECT external_id, name FROM companies WHERE id = $1',
    [companyId],
  );
  const messageId = newId('outbox');
  const message: WebhookMessage = {
    id: messageId,
    type: WEBHOOK_TEST,
    created_at: now.toISOString(),
    company: { id: companyId, external_id: company?.external_id ?? null, name: company?.name ?? '' },
    data: { webhook: row.id },
  };
  const dedupeKey = `webhook:${row.id}:test:${Math.floor(now.getTime() / TEST_EVERY_MS)}`;
  await enqueue(sql, {
    id: messageId,
    company: companyId,
    channel: 'webhook',
    event: WEBHOOK_TEST,
    dedupeKey,
    target: row.id,
    facts: { ...message },
    hours: TEST_HOURS,
  });
  const delivery = await first<DeliveryRow>(sql, `SELECT ${DELIVERY} FROM outbox WHERE dedupe_key = $1`, [dedupeKey]);
  if (delivery === null) throw new OwnkeyError('internal', {}, 'a delivery was neither made nor found');
  return delivery;
}

export interface DeliveryRow {
  id: string;
  event: string;
  state: 'queued' | 'sent' | 'failed';
  attempts: number;
  http_status: number | null;
  created_at: Date;
  sent_at: Date | null;
  next_try_at: Date;
}

const DELIVERY = 'id, event, state, attempts, http_status, created_at, sent_at, next_try_at';

/** The newest first, before `before` (id). */
export function listDeliveries(
  sql: Sql,
  webhookId: string,
  before: string | null,
  limit: number,
): Promise<DeliveryRow[]> {
  return sql.rows(
    `SELECT ${DELIVERY} FROM outbox WHERE channel = 'webhook' AND target = $1 AND ($2::text IS NULL OR id < $2)
     ORDER BY id DESC LIMIT $3`,
    [webhookId, before, limit],
  );
}

/** What a delivery needs; null = removed meanwhile. `secret` is null when it does not open with this server's secret. */
export async function findTarget(
  sql: Sql,
  authSecret: string,
  id: string,
): Promise<{ url: string; enabled: boolean; secret: string | null } | null> {
  const row = await first<{ url: string; enabled: boolean; secret: Buffer; company_id: string }>(
    sql,
    'SELECT url, enabled, secret, company_id FROM webhooks WHERE id = $1',
    [id],
  );
  if (row === null) return null;
  const secret = openText(authSecret, 'webhook-secret', `${row.company_id}/${id}`, row.secret);
  return { url: row.url, enabled: row.enabled, secret };
}

/** Of an address only its origin is noted: paths and queries of webhooks hold secrets of their owners. */
function recordWebhook(
  sql: Sql,
  kind: 'webhook.created' | 'webhook.changed' | 'webhook.removed',
  company: string,
  actor: string,
  webhook: string,
  url: string,
): Promise<void> {
  return recordEvent(sql, { company, kind, actor, data: { webhook, origin: new URL(url).origin } });
}
