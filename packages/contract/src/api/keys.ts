import { z } from 'zod';
import { KEY_STATUSES, SLUG_PATTERN } from '../key.ts';
import { listOf, pageQuery, reference, text, time } from './common.ts';

export const keyStatus = z.enum(KEY_STATUSES);
export const statusDetail = z.object({
  http_status: z.number().int().optional(),
  code: z.string().optional(),
  provider_message: z.string().optional().describe("The provider's own words, scrubbed"),
  since: time.optional(),
  until: time.optional(),
  tries: z.number().int().optional(),
});
export const permissions = z.object({ list_models: z.boolean().optional(), generate: z.boolean().optional() });

/** A stored key. Nothing in it helps to rebuild the key: at most the last four characters, none for keys under 16. */
export const key = z.object({
  id: z.string(),
  version: z.number().int().describe('Moves with each replacement of the key; a replacement seals version + 1'),
  provider: z.string(),
  slug: z.string().describe('First segment of model names: the provider id, or the name of a custom endpoint'),
  label: z.string(),
  scope: z.enum(['company', 'user', 'platform']),
  user: z.string().nullable(),
  mask: z.string(),
  last4: z.string().nullable(),
  status: keyStatus,
  status_detail: statusDetail.nullable(),
  enabled: z.boolean(),
  order: z.number().int(),
  allowed_models: z.array(z.string()).nullable(),
  allowed_users: z.array(z.string()).nullable().describe('Users a company key may be used for; null = all'),
  zero_retention: z.boolean().describe("A shared key whose provider keeps nothing, by the operator's word"),
  base_url: z.string().nullable(),
  destination: z.string().describe('The only place the key is sent to: `catalogue:<id>` or an origin'),
  preset: z.string().nullable(),
  keyless: z.boolean(),
  created_at: time,
  created_by: z.string().nullable(),
  changed_at: time,
  changed_by: z.string().nullable(),
  tested_at: time.nullable(),
  last_used_at: time.nullable(),
  requests_handled: z.number(),
  latency_ms: z.number().int().nullable(),
  permissions: permissions.nullable(),
  models_count: z.number().int().nullable(),
  etag: z.string().describe('For `If-Match`'),
});
export type Key = z.infer<typeof key>;
export const keyList = listOf(key);

export const keysQuery = pageQuery.extend({
  provider: z.string().max(64).optional(),
  scope: z.enum(['company', 'user']).optional(),
});

export const jobStep = z.object({
  step: z.enum(['open', 'shape', 'list', 'generate', 'store']),
  state: z.enum(['running', 'done', 'skipped', 'failed']),
  ms: z.number().optional(),
  detail: z
    .object({
      models: z.number().int().optional(),
      http_status: z.number().int().optional(),
      provider_message: z.string().optional(),
      code: z.string().optional(),
    })
    .optional(),
});

/**
 * Answer of connect, test and replace: the key as it is now, whether this call stored anything, and the steps of the test.
 * With `save: false` nothing is stored: `id` is null and the rest says what was found.
 */
export const keyTested = key.extend({
  id: z.string().nullable(),
  stored: z.boolean(),
  steps: z.array(jobStep),
});
export type KeyTested = z.infer<typeof keyTested>;

const sealedKey = z.string().min(1).max(20_480).describe('base64url JSON {v, kid, enc, ct, ctx}');
export const keyConnectBody = z.strictObject({
  provider: z.string().min(1).max(64).describe('A catalogue id or alias, or `custom`'),
  sealed_key: sealedKey.optional().describe('Absent for endpoints that need no key'),
  key_id: z.string().max(64).optional().describe('Of a keyless endpoint, where no sealed key names it'),
  slug: z.string().regex(SLUG_PATTERN).optional().describe('Custom endpoints: first segment of their model names'),
  preset: z.string().max(64).optional(),
  base_url: z.string().max(2048).optional(),
  label: text(200).optional(),
  scope: z.enum(['company', 'user']).optional().describe('Default: company'),
  save: z.boolean().optional().describe('false tests only'),
  keep: z.boolean().optional().describe('true stores the key even when the provider rejects it'),
  on_failure: z.enum(['stop', 'platform']).optional(),
});
export type KeyConnectBody = z.infer<typeof keyConnectBody>;
export const keyReplaceBody = z.strictObject({ sealed_key: sealedKey, keep: z.boolean().optional() });
const keyChanges = {
  label: text(200).optional(),
  enabled: z.boolean().optional(),
  order: z.number().int().min(0).max(100_000).optional(),
  allowed_models: z.array(text(200, 1)).max(500).nullable().optional(),
};
export const keyPatchBody = z.strictObject({
  ...keyChanges,
  allowed_users: z
    .array(reference)
    .min(1, 'to use a key for nobody, turn it off')
    .max(1000)
    .nullable()
    .optional()
    .describe("Company keys alone. Our ids or the host's; null = everybody"),
});
export type KeyPatchBody = z.infer<typeof keyPatchBody>;
export const platformKeyPatchBody = z.strictObject({
  ...keyChanges,
  zero_retention: z.boolean().optional().describe('Your word that the provider keeps nothing of what this key sends'),
});
export type PlatformKeyPatchBody = z.infer<typeof platformKeyPatchBody>;

export const keyUsageQuery = z.object({ range: z.enum(['7d', '30d', '90d']).default('30d') });
const usageSums = {
  requests: z.number(),
  errors: z.number(),
  input_tokens: z.number(),
  cached_tokens: z.number(),
  output_tokens: z.number(),
  cost_usd: z.string(),
  unpriced: z.number().describe('Requests without a known price; they are not in the sum'),
};
export const keyUsage = z.object({
  range: z.string(),
  days: z.array(z.object({ day: z.string().describe('UTC day'), ...usageSums })),
  total: z.object(usageSums),
  operations: z.array(z.object({ operation: z.string(), requests: z.number() })),
});
export type KeyUsage = z.infer<typeof keyUsage>;

const backupsUnreadableBy = time
  .nullable()
  .describe('From then on no backup opens the removed key; null where the operator promises no date');

/** What turning the key off or removing it would do. */
export const keyImpact = z.object({
  backups_unreadable_by: backupsUnreadableBy,
  running_requests: z.number().int(),
  running_streams: z.number().int(),
  operations: z.array(z.string()),
  chatbots: z.array(z.string()),
  next_payer: z.object({
    source: z.enum(['own', 'platform']).nullable().describe('null: requests fail with `key.missing`'),
    key: z.object({ id: z.string(), label: z.string(), last4: z.string().nullable() }).nullable(),
  }),
});
export type KeyImpact = z.infer<typeof keyImpact>;

/** What removing a shared key would do. Companies are counted, never named. */
export const platformKeyImpact = z.object({
  backups_unreadable_by: backupsUnreadableBy,
  running_requests: z.number().int(),
  running_streams: z.number().int(),
  companies: z.number().int().describe('Companies with a request on the key in the last 30 days'),
  without_own_key: z.number().int().describe('Of those: without a company key of the provider that is turned on'),
  next_key: z
    .object({ id: z.string(), label: z.string(), last4: z.string().nullable() })
    .nullable()
    .describe('The shared key that takes over; null: requests without an own key fail with `key.missing`'),
});
export type PlatformKeyImpact = z.infer<typeof platformKeyImpact>;

export const removed = z.object({
  id: z.string(),
  removed: z.literal(true),
  removed_at: time,
  backups_unreadable_by: backupsUnreadableBy,
  next_payer: keyImpact.shape.next_payer,
});
