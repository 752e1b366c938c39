import type { AuditEventKind } from '@ownkey/contract/audit';
import type { Sql } from '../access/load.ts';

/** An event about a key. Never key material; `data` holds scrubbed facts. */
export interface KeyEvent {
  readonly companyId: string | null;
  readonly kind: AuditEventKind;
  readonly actor: string;
  readonly userId: string | null;
  readonly keyId: string | null;
  /** Catalogue id, or slug of an endpoint. */
  readonly provider: string;
  readonly last4: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Appends an event in the transaction of what it tells about. */
export async function recordKeyEvent(sql: Sql, event: KeyEvent): Promise<void> {
  await sql.query(
    `INSERT INTO audit_events (company_id, kind, actor, user_id, key_id, provider, last4, data)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      event.companyId,
      event.kind,
      event.actor,
      event.userId,
      event.keyId,
      event.provider,
      event.last4,
      JSON.stringify(event.data),
    ],
  );
}
