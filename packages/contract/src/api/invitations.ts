import { z } from 'zod';
import { password } from './auth.ts';
import { email, listOf, text, time } from './common.ts';

/** Somebody asked to join who has not yet. */
export const invitation = z.object({
  id: z.string(),
  email: z.string(),
  name: z.string().nullable(),
  role: z.enum(['admin', 'member']),
  created_by: z.string().nullable(),
  created_at: time,
  expires_at: time,
});
export type Invitation = z.infer<typeof invitation>;
export const invitationList = listOf(invitation);

/** Inviting the same address again replaces the invitation: the earlier link ends. */
export const invitationBody = z.strictObject({ email, role: z.enum(['admin', 'member']), name: text(200).optional() });

export const acceptBody = z.strictObject({
  code: z.string().min(1).max(200).describe('From the link of the mail'),
  password,
  name: text(200).optional(),
});
