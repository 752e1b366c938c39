import { z } from 'zod';
import { reference, time } from './common.ts';

/** Sessions of the embed: made by the host's backend for one user, handed to that user's page, short-lived. */
export const EMBED_SCOPES = ['keys:read', 'keys:write', 'caps:write', 'usage:read', 'audit:read', 'inference'] as const;

export const embedSessionBody = z.strictObject({
  company: reference.describe("Our id or the host's"),
  user: reference.describe("Our id or the host's; an unknown one of the host's is created as a member"),
  ttl_s: z.number().int().min(60).max(86_400).default(3_600).describe('Seconds until it ends'),
  scopes: z
    .array(z.enum(EMBED_SCOPES))
    .min(1)
    .max(EMBED_SCOPES.length)
    .optional()
    .describe("Absent: all of them. What the user's role does not allow stays forbidden"),
  parent_origins: z
    .array(z.string().min(1).max(300))
    .min(1)
    .max(10)
    .describe('Origins of the pages it may be shown in, such as `https://app.example.com`'),
});
export type EmbedSessionBody = z.infer<typeof embedSessionBody>;

export const embedSession = z.object({
  id: z.string(),
  session: z.string().describe('For the `session` attribute of `<ownkey-settings>`: shown once, never to be stored'),
  token: z.string().describe('The token in it: `Authorization: Bearer` of the API as this user'),
  company: z.string(),
  user: z.string(),
  role: z.enum(['admin', 'member']),
  scopes: z.array(z.string()),
  parent_origins: z.array(z.string()),
  expires_at: time,
});
export type EmbedSession = z.infer<typeof embedSession>;
