import { z } from 'zod';
import { text, time } from './common.ts';

/** The product's operations as calls tag them (`x-ownkey-operation`), with the model the company chose for each. */
export const operation = z.object({
  name: z.string().describe('Empty: every operation without a choice of its own'),
  model: z
    .string()
    .nullable()
    .describe('`provider/model`; null: calls that name `auto` get the model of the empty name'),
  key_source: z.enum(['own', 'platform']).nullable().describe('Who pays for that model now; null: it cannot be used'),
  operations: z.number().int().describe('Calls in the last 30 days'),
  last_used_on: z.iso.date().nullable(),
  changed_at: time.nullable(),
  changed_by: z.string().nullable(),
  etag: z.string(),
});
export type Operation = z.infer<typeof operation>;
export const operationList = z.object({ data: z.array(operation), next_cursor: z.null() });

export const operationParams = z.object({ name: text(128, 1).describe('`default` = the empty name') });
export const operationModelBody = z.strictObject({
  model: text(256, 3).nullable().describe('`provider/model` of a model the company can use; null clears the choice'),
});
