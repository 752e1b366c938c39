import { randomUUID } from 'node:crypto';
import { sealText } from '../../platform/sealed-text.ts';
import { enqueue } from '../outbox/entry.ts';
import { RESET_MINUTES } from './code-lives.ts';
import type { SendResetCode } from './sign-in.ts';

/** Puts the code's mail into the outbox, encrypted until it is sent. It is tried as long as the code works. */
export function resetMailer(authSecret: string): SendResetCode {
  return (sql, { email, company }, code) =>
    enqueue(sql, {
      company,
      channel: 'mail',
      event: 'reset',
      dedupeKey: `reset:${randomUUID()}`,
      target: email,
      facts: { sealed: sealText(authSecret, 'mail-code', email, code).toString('base64url') },
      hours: RESET_MINUTES / 60,
    });
}
