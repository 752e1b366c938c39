import { z } from 'zod';
import { FALLBACK_REASONS, NOTICE_RESOLUTIONS } from '../fallback.ts';
import { KEY_STATUSES } from '../key.ts';
import { listOf, pageQuery, time, usd } from './common.ts';
import { statusDetail } from './keys.ts';

/** One click that may end a notice, in the order in which to offer them. */
export const NOTICE_FIXES = ['replace', 'test', 'switch', 'remove'] as const;

/** Something people have to know about one of their keys: that it fails, or that the shared key answers for it. */
export const notice = z.object({
  id: z.string(),
  kind: z.enum(['key', 'fallback']).describe('`key`: it fails; `fallback`: the shared key answers for it'),
  reason: z
    .enum([...KEY_STATUSES, ...FALLBACK_REASONS])
    .describe('`key`: the status of the key; `fallback`: why calls on it fail'),
  provider: z.string().describe('Catalogue id, or the slug of a custom endpoint'),
  provider_name: z.string(),
  key_id: z.string(),
  last4: z.string().nullable(),
  user: z.string().nullable().describe('Of a personal key, whose notices its person alone sees'),
  started_at: time,
  ended_at: time.nullable(),
  resolution: z.enum(NOTICE_RESOLUTIONS).nullable(),
  status: z.enum(KEY_STATUSES).nullable().describe('Of the key now; null: it was removed'),
  detail: statusDetail.nullable().describe("The provider's own words are for admins and for the person of the key"),
  on_failure: z.enum(['stop', 'platform']).describe('What follows now when the key fails'),
  calls: z.number().int().describe('Answered by the shared key since it began'),
  cost_usd: usd.describe('What those cost'),
  refused: z.number().int().describe('Calls that failed on the key since it began; of kind `key` alone'),
  fixes: z.array(z.enum(NOTICE_FIXES)).describe('What the caller may do about it; empty once it ended'),
  dismissed: z.boolean().describe('By this caller; a new fact brings it back'),
});
export type Notice = z.infer<typeof notice>;
export const noticeList = listOf(notice);
export const noticesQuery = pageQuery.extend({
  limit: z.coerce.number().int().min(1).max(100).optional(),
  state: z.enum(['open', 'ended', 'all']).optional().describe('Default: all, the open ones first'),
});
