import type { AuditEventKind } from '@ownkey/contract/audit';
import type { Sql } from '../../storage/database.ts';

export interface AuditEvent {
  /** null = the installation. */
  readonly company: string | null;
  readonly kind: AuditEventKind;
  readonly actor: string;
  readonly user?: string | null;
  readonly keyId?: string | null;
  readonly provider?: string | null;
  readonly last4?: string | null;
  /** Facts; never key material, never texts of customers. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** Appends an event in the transaction of what it tells about: both stand or neither does. */
export async function recordEvent(sql: Sql, event: AuditEvent): Promise<void> {
  await sql.rows(
    `INSERT INTO audit_events (company_id, kind, actor, user_id, key_id, provider, last4, data)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      event.company,
      event.kind,
      event.actor,
      event.user ?? null,
      event.keyId ?? null,
      event.provider ?? null,
      event.last4 ?? null,
      JSON.stringify(event.data ?? {}),
    ],
  );
}
