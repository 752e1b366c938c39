import type { Delivery, Webhook } from '@ownkey/contract/api/alerts';
import { formatUsd } from '@ownkey/contract/money';
import type { ALERT_ROUTES } from '@ownkey/contract/routes/alerts';
import { type AlertView, listAlerts } from '../../domain/alerts/list.ts';
import { nextPeriod } from '../../domain/mail/cap-mail.ts';
import { findActorNames } from '../../domain/members/actor-names.ts';
import { eventOf } from '../../domain/outbox/tell-alerts.ts';
import { assertCallable } from '../../domain/webhooks/address.ts';
import {
  changeWebhook,
  createWebhook,
  type DeliveryRow,
  getWebhook,
  listDeliveries,
  listWebhooks,
  removeWebhook,
  testWebhook,
  type WebhookRow,
} from '../../domain/webhooks/webhooks.ts';
import type { Sql } from '../../storage/database.ts';
import { ID_POSITION, PAGE_SIZE, pageOf, readCursor } from '../cursor.ts';
import type { HandlersOf } from '../handler.ts';
import type { Parts } from './parts.ts';

/** Alerts of caps, and webhooks. */
export function alertHandlers(parts: Parts): HandlersOf<keyof typeof ALERT_ROUTES> {
  const { database, authSecret, lookup, egress: policy } = parts;
  return {
    listAlerts: ({ caller, query }) =>
      database.tenant(caller.companyId, async (sql) => {
        const limit = query.limit ?? PAGE_SIZE;
        const rows = await listAlerts(sql, caller.companyId, readCursor(query.cursor, ID_POSITION), limit + 1);
        const name = await findActorNames(
          sql,
          rows.map((row) => row.actor),
        );
        const page = pageOf(
          rows,
          limit,
          (row) => viewOfAlert(row, name),
          (row) => row.id,
        );
        return { status: 200, body: page };
      }),
    listWebhooks: ({ caller, query }) =>
      database.tenant(caller.companyId, async (sql) => {
        const limit = query.limit ?? PAGE_SIZE;
        const after = readCursor(query.cursor, ID_POSITION) ?? '';
        const rows = await listWebhooks(sql, caller.companyId, after, limit + 1);
        const name = await findActorNames(
          sql,
          rows.map((row) => row.created_by),
        );
        const page = pageOf(
          rows,
          limit,
          (row) => viewOfWebhook(row, name),
          (row) => row.id,
        );
        return { status: 200, body: page };
      }),
    createWebhook: async ({ caller, body }) => {
      await assertCallable(body.url, { lookup, policy });
      return database.tenant(caller.companyId, async (sql) => {
        const { companyId, actor } = caller;
        const wanted = { companyId, url: body.url, events: body.events, actor };
        const { row, secret } = await createWebhook(sql, authSecret, wanted);
        return { status: 201, body: { ...(await webhookView(sql, row)), secret } };
      });
    },
    changeWebhook: async ({ caller, params, body }) => {
      // What is not there answers like that, whatever the address is.
      await database.tenant(caller.companyId, (sql) => getWebhook(sql, caller.companyId, params.id));
      if (body.url !== undefined) await assertCallable(body.url, { lookup, policy });
      return database.tenant(caller.companyId, async (sql) => {
        const row = await changeWebhook(sql, caller.companyId, params.id, body, caller.actor);
        return { status: 200, body: await webhookView(sql, row) };
      });
    },
    removeWebhook: ({ caller, params }) =>
      database.tenant(caller.companyId, async (sql) => {
        await removeWebhook(sql, caller.companyId, params.id, caller.actor);
        return { status: 204, body: null };
      }),
    testWebhook: ({ caller, params }) =>
      database.tenant(caller.companyId, async (sql) => {
        const row = await testWebhook(sql, caller.companyId, params.id, new Date());
        return { status: 202, body: viewOfDelivery(row) };
      }),
    listDeliveries: ({ caller, params, query }) =>
      database.tenant(caller.companyId, async (sql) => {
        const { id } = await getWebhook(sql, caller.companyId, params.id);
        const limit = query.limit ?? PAGE_SIZE;
        const rows = await listDeliveries(sql, id, readCursor(query.cursor, ID_POSITION), limit + 1);
        return { status: 200, body: pageOf(rows, limit, viewOfDelivery, (row) => row.id) };
      }),
  };
}

function viewOfAlert(row: AlertView, name: (actor: string | null) => string | null) {
  const start = row.start.toISOString();
  return {
    id: row.id,
    at: row.at.toISOString(),
    type: eventOf(row.threshold),
    period: row.kind,
    period_start: start,
    resets_at: nextPeriod(start, row.kind).toISOString(),
    threshold: row.threshold,
    cap_usd: formatUsd(BigInt(row.cap_nano_usd)),
    spent_usd: formatUsd(BigInt(row.settled_nano_usd)),
    reserved_usd: formatUsd(BigInt(row.reserved_nano_usd)),
    cause: row.cause,
    actor: name(row.actor),
    silent: row.silent,
    told_at: row.told_at?.toISOString() ?? null,
    mails: row.mails,
    webhooks: row.webhooks,
  };
}

async function webhookView(sql: Sql, row: WebhookRow): Promise<Webhook> {
  return viewOfWebhook(row, await findActorNames(sql, [row.created_by]));
}

function viewOfWebhook(row: WebhookRow, name: (actor: string | null) => string | null): Webhook {
  return {
    id: row.id,
    url: row.url,
    events: row.events,
    enabled: row.enabled,
    created_by: name(row.created_by),
    created_at: row.created_at.toISOString(),
    last_tried_at: row.last_tried_at?.toISOString() ?? null,
    last_delivered_at: row.last_delivered_at?.toISOString() ?? null,
    last_status: row.last_status,
  };
}

function viewOfDelivery(row: DeliveryRow): Delivery {
  return {
    id: row.id,
    event: row.event,
    state: row.state,
    attempts: row.attempts,
    status: row.http_status,
    created_at: row.created_at.toISOString(),
    sent_at: row.sent_at?.toISOString() ?? null,
    next_try_at: row.state === 'queued' ? row.next_try_at.toISOString() : null,
  };
}
