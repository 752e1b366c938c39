import { z } from 'zod';
import { SCOPES } from '../scopes.ts';
import { listOf, text, time } from './common.ts';

export const token = z.object({
  id: z.string(),
  name: z.string(),
  prefix: z.string().describe('First characters, for recognising it'),
  last4: z.string(),
  scopes: z.array(z.string()),
  user: z.string().nullable().describe('Set for personal tokens, which act as that person'),
  created_by: z.string().nullable(),
  created_at: time,
  expires_at: time.nullable(),
  last_used_at: time.nullable(),
  requests_per_minute: z.number().int().nullable(),
  concurrent_requests: z.number().int().nullable(),
});
export type Token = z.infer<typeof token>;
export const tokenList = listOf(token);
export const tokenBody = z.strictObject({
  name: text(200, 1),
  scopes: z.array(z.enum(SCOPES)).min(1).max(SCOPES.length),
  personal: z.boolean().optional().describe('true: acts as the person who creates it; always so for members'),
  expires_at: z.iso.datetime({ offset: true }).nullable().optional(),
  requests_per_minute: z.number().int().min(1).max(1_000_000).nullable().optional(),
  concurrent_requests: z.number().int().min(1).max(100_000).nullable().optional(),
});
/** The only answer that ever holds the token itself. */
export const tokenCreated = token.extend({ token: z.string() });
export type TokenCreated = z.infer<typeof tokenCreated>;
