import { z } from 'zod';
import { email, listOf, time } from './common.ts';

export const settings = z.object({
  ai_enabled: z.boolean().describe('Consent: while false no AI call is made for the company'),
  ai_changed_at: time,
  ai_changed_by: z.string().nullable(),
  zero_retention: z.boolean().describe('Only own accounts may answer: `on_failure` is always `stop`'),
  personal_keys: z.boolean().describe('Members may connect keys of their own'),
  notice_recipients: z.array(z.string()),
  audit_retention_days: z
    .number()
    .int()
    .nullable()
    .describe("Days entries of the audit are kept, the operator's where none was set; null: for ever"),
  block_unpriced_models: z.boolean().describe('Models without a known price are refused on own keys too'),
  etag: z.string(),
});
export type Settings = z.infer<typeof settings>;
/** Members not named stay. */
export const settingsBody = z.strictObject({
  ai_enabled: z.boolean().optional(),
  zero_retention: z.boolean().optional(),
  personal_keys: z.boolean().optional(),
  notice_recipients: z.array(email).max(50).optional(),
  audit_retention_days: z.number().int().min(30).max(3650).nullable().optional(),
  block_unpriced_models: z.boolean().optional(),
});
export type SettingsBody = z.infer<typeof settingsBody>;

export const member = z.object({
  id: z.string(),
  external_id: z.string().nullable(),
  name: z.string().nullable(),
  email: z.string().nullable(),
  role: z.enum(['admin', 'member']),
  has_login: z.boolean(),
  you: z.boolean(),
  created_at: time,
});
export type Member = z.infer<typeof member>;
export const memberList = listOf(member);
