import type { Sql } from '../../storage/database.ts';

/** An alert with what was sent about it. */
export interface AlertView {
  id: string;
  kind: 'day' | 'month';
  start: Date;
  threshold: number;
  cap_nano_usd: string;
  settled_nano_usd: string;
  reserved_nano_usd: string;
  cause: 'spent' | 'refused' | 'cap_lowered';
  actor: string | null;
  silent: boolean;
  at: Date;
  told_at: Date | null;
  mails: Deliveries;
  webhooks: Deliveries;
}

export interface Deliveries {
  queued: number;
  sent: number;
  failed: number;
}

const COUNTS = (channel: 'mail' | 'webhook'): string =>
  `(SELECT jsonb_build_object('queued', count(*) FILTER (WHERE o.state = 'queued'),
     'sent', count(*) FILTER (WHERE o.state = 'sent'), 'failed', count(*) FILTER (WHERE o.state = 'failed'))
   FROM outbox o WHERE o.alert_id = a.id AND o.channel = '${channel}')`;

/** The company's own, the newest first, before `before` (id). Counts of what was sent fade after 30 days. */
export function listAlerts(sql: Sql, companyId: string, before: string | null, limit: number): Promise<AlertView[]> {
  return sql.rows(
    `SELECT a.id, a.kind, a.start, a.threshold, a.cap_nano_usd, a.settled_nano_usd, a.reserved_nano_usd, a.cause, a.actor,
       a.silent, a.at, a.told_at, ${COUNTS('mail')} AS mails, ${COUNTS('webhook')} AS webhooks
     FROM alerts a WHERE a.company_id = $1 AND a.meter = '' AND ($2::text IS NULL OR a.id < $2)
     ORDER BY a.id DESC LIMIT $3`,
    [companyId, before, limit],
  );
}
