import { z } from 'zod';
import { email, reference, text, time } from './common.ts';

export const companyParams = z.object({ company: reference });
export const userParams = z.object({ company: reference, user: reference });

export const company = z.object({
  id: z.string(),
  external_id: z.string().nullable(),
  name: z.string(),
  plan: z.string(),
  ai_enabled: z.boolean(),
  created_at: time,
});
export type Company = z.infer<typeof company>;

/** Idempotent: the company named in the path is created or brought to this state; members not named stay. */
export const companyBody = z.strictObject({
  name: text(10_000, 1).optional().describe('Default: the id in the path'),
  external_id: reference.optional(),
  plan: reference.optional().describe('Default: the first plan'),
});
export const companyPlanBody = z.strictObject({ plan: reference });

export const user = z.object({
  id: z.string(),
  company: z.string(),
  external_id: z.string().nullable(),
  role: z.enum(['admin', 'member']),
  email: z.string().nullable(),
  name: z.string().nullable(),
  has_login: z.boolean(),
  created_at: time,
});
export type User = z.infer<typeof user>;
export const userBody = z.strictObject({
  external_id: reference.optional(),
  role: z.enum(['admin', 'member']).optional(),
  email: email.nullable().optional(),
  name: text(200).nullable().optional(),
});
