import { z } from 'zod';
import { time } from './common.ts';

const rotation = z.object({
  id: z.string(),
  step: z.enum(['ordered', 'spreading', 'switching', 'rewrapping', 'closing', 'done']),
  rows_total: z.number().int(),
  rows_done: z.number().int(),
  damaged: z.array(z.string()).describe('Rows that no master key opened before either; at most 100'),
  waiting_for: z.array(z.string()).describe('Workers that do not have, or do not use, the new master key yet'),
  ordered_by: z.string(),
  ordered_at: time,
  changed_at: time,
  finished_at: time.nullable(),
});
export const kekRotation = rotation;
export type KekRotation = z.infer<typeof kekRotation>;

/** The master keys of the installation: ids and numbers, never a key. */
export const kek = z.object({
  current: z
    .object({ id: z.string(), since: time, source: z.enum(['file', 'transit']) })
    .nullable()
    .describe('null before a worker has started'),
  keks: z.array(
    z.object({
      id: z.string(),
      state: z.enum(['new', 'current', 'old', 'closed', 'destroyed']),
      source: z.enum(['file', 'transit']),
      created_at: time,
      replaced_at: time.nullable(),
      destroyed_at: time.nullable(),
      rows: z.object({ stored_keys: z.number().int(), sealing_keys: z.number().int(), audit_heads: z.number().int() }),
    }),
  ),
  workers: z.array(z.object({ id: z.string(), holds: z.array(z.string()), writes: z.string(), seen_at: time })),
  rotation: rotation.nullable().describe('The newest; open while `finished_at` is null'),
  epoch: z.object({
    days: z.number().int().describe('OWNKEY_KEK_EPOCH_DAYS; 0: no date is promised'),
    backup_days: z.number().int().describe('OWNKEY_BACKUP_DAYS'),
    ends_at: time.nullable().describe('Rotate by then'),
    destroy_by: time.nullable().describe('Destroy the replaced master key by then'),
    overdue: z.boolean(),
    removed_unreadable_by: time
      .nullable()
      .describe('From then on no backup opens a key that is removed now; null where nothing is promised'),
  }),
  unopenable: z.object({
    count: z.number().int(),
    keys: z
      .array(z.object({ id: z.string(), company: z.string().nullable() }))
      .describe('Stored keys that do not open, the first ten'),
  }),
});
export type KekView = z.infer<typeof kek>;
