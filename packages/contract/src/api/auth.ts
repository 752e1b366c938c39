import { z } from 'zod';
import { email, listOf, text, time } from './common.ts';

export const password = z.string().min(10, 'must have at least 10 characters').max(200);

/** Who is signed in. `company` is null for operators, who are apart from companies' users. */
export const sessionUser = z.object({
  id: z.string(),
  kind: z.enum(['user', 'operator']),
  email: z.string().nullable(),
  name: z.string().nullable(),
  role: z.enum(['admin', 'member', 'operator']),
  company: z.object({ id: z.string(), name: z.string(), plan: z.string() }).nullable(),
});
export type SessionUser = z.infer<typeof sessionUser>;

/** Signed out: `{ "user": null }`. */
export const sessionAnswer = z.object({
  user: sessionUser.nullable(),
  expires_at: time.optional(),
  embed: z
    .object({ id: z.string(), parent_origins: z.array(z.string()), scopes: z.array(z.string()) })
    .optional()
    .describe('Only for a session of the embed'),
});
export type SessionAnswer = z.infer<typeof sessionAnswer>;

export const signInBody = z.strictObject({ email: z.string().max(254), password: z.string().max(200) });
export const setUpBody = z.strictObject({
  code: z.string().min(1).max(100).describe('The one-time code `ownkey init` printed'),
  email,
  password,
  name: text(200).optional(),
});
export const resetBody = z.strictObject({ email: z.string().max(254) });
export const resetConfirmBody = z.strictObject({ code: z.string().min(1).max(200), password });
export const passwordBody = z.strictObject({ current_password: z.string().max(200), new_password: password });
export const sessionsEnded = z.object({ ended: z.number().int().describe('How many sessions ended') });
export const done = z.object({ ok: z.literal(true) });

export const sessionItem = z.object({
  id: z.string(),
  current: z.boolean(),
  created_at: time,
  last_seen_at: time,
  expires_at: time,
  user_agent: z.string().nullable(),
  address: z.string().nullable(),
});
export const sessionList = listOf(sessionItem);

/** What a sign-in page may know before anybody is signed in. `demo_accounts` exist in development alone. */
export const installationAnswer = z.object({
  mode: z.enum(['development', 'production']),
  set_up: z.boolean().describe('false until the first operator exists'),
  host_name: z.string().nullable().describe('Name of the product that Ownkey is part of; null: none was set'),
  console_url: z.string(),
  gateway_url: z.string(),
  sandbox_url: z.string().nullable(),
  mail_url: z.string().nullable(),
  sends_mail: z.boolean().describe('false: no mail server is set up, mails stay queued'),
  demo_accounts: z.array(z.object({ label: z.string(), email: z.string(), password: z.string() })),
});
export type InstallationAnswer = z.infer<typeof installationAnswer>;
