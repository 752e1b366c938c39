import { z } from 'zod';
import { cursor, listOf, time } from './common.ts';
import { usedPrice } from './prices.ts';

/** One AI call, or one event. Money and tokens are null while a call is running and for events. */
export const auditLine = z.object({
  id: z.string(),
  at: time,
  kind: z.string().describe('`call`, `probe`, `models`, or an event such as `key.connected`'),
  actor: z.string().describe('Id of a user, token or operator, or `system`'),
  actor_name: z.string().nullable(),
  user: z.string().nullable(),
  user_name: z.string().nullable(),
  account: z.string().nullable(),
  provider: z.string().nullable(),
  key_id: z.string().nullable().describe('Of own keys; which shared key it was is not told'),
  last4: z.string().nullable().describe('Of own keys alone'),
  key_source: z.enum(['own', 'platform']).nullable(),
  model: z.string().nullable(),
  operation: z.string().nullable(),
  status: z.number().int().nullable(),
  input_tokens: z.number().nullable(),
  output_tokens: z.number().nullable(),
  cached_tokens: z.number().nullable(),
  cost_usd: z.string().nullable(),
  cost_basis: z.enum(['reported', 'counted', 'estimated']).nullable(),
  latency_ms: z.number().nullable(),
  ttfb_ms: z.number().nullable(),
  fallback_reason: z.string().nullable(),
  fallback_for: z.string().nullable().describe('The own key that a fallback stands in for'),
  after_id: z
    .string()
    .nullable()
    .describe('The call on that key that failed just before a fallback; null: the key was known to fail'),
  request_id: z.string().nullable(),
  sealed: z.boolean().describe('Part of the hash chain already; at most some seconds behind'),
  detail: z.record(z.string(), z.unknown()).nullable(),
});
export const auditList = listOf(auditLine);

export const auditQuery = z.object({
  cursor: cursor.optional(),
  limit: z.coerce.number().int().min(1).max(100).default(100),
  kind: z.string().max(64).optional().describe('A kind, or a group such as `key` for `key.*`'),
  actor: z.string().max(200).optional().describe("An id of ours, or the host's id of a person"),
  user: z.string().max(200).optional().describe("Our id or the host's"),
  provider: z.string().max(64).optional().describe('A catalogue id or alias'),
  payer: z.enum(['own', 'platform', 'fallback']).optional(),
  status: z
    .string()
    .regex(/^([1-5]\d\d|[1-5]xx|running|ok|failed)$/)
    .optional()
    .describe('A status, `4xx`, `5xx`, `ok`, `failed` or `running`'),
  key_id: z.string().max(64).optional(),
  from: z.iso.datetime({ offset: true }).or(z.iso.date()).optional(),
  to: z.iso.datetime({ offset: true }).or(z.iso.date()).optional(),
  q: z.string().max(200).optional().describe('In request ids, models, operations, people'),
});
export type AuditQuery = z.infer<typeof auditQuery>;

/** The filters of the list, without its pages. */
export const auditExportQuery = auditQuery.omit({ cursor: true, limit: true });
export type AuditExportQuery = z.infer<typeof auditExportQuery>;
/** Every line that the filters leave, the newest first, in one file. */
export const auditExport = z.object({ data: z.array(auditLine) });
export const auditCsv = z.string().describe('CSV (RFC 4180) with a header line; `detail` is JSON');

export const auditParams = z.object({ request_id: z.string().min(1).max(100) });
/** A call with all it came to, or an event by its own id. `events` are its entries of the append-only record. */
export const auditEntry = auditLine.extend({
  price: usedPrice.nullable().describe('null: an event, or no price was known'),
  events: z.array(
    z.object({
      id: z.string(),
      at: time,
      kind: z.string(),
      actor: z.string(),
      sealed: z.boolean(),
      data: z.record(z.string(), z.unknown()),
    }),
  ),
});
export const auditVerified = z.object({
  checked: z.number().int(),
  sealed_up_to: time.nullable(),
  unbroken: z.boolean(),
  broken: z.object({ event_id: z.string(), problem: z.string() }).nullable(),
  begins_on: z.string().optional().describe('Day, where entries from before it were removed by the retention'),
});
export type AuditVerified = z.infer<typeof auditVerified>;
