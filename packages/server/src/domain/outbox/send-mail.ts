import type { Mailer } from '../../platform/mailer.ts';
import { openText } from '../../platform/sealed-text.ts';
import { invitationMail, resetMail } from '../mail/account-mail.ts';
import { capMail } from '../mail/cap-mail.ts';
import { keyMail } from '../mail/key-mail.ts';
import { type MailContent, writeMail } from '../mail/mail-text.ts';
import { INVITATION_DAYS, RESET_MINUTES } from '../sign-in/code-lives.ts';
import { SendFailure } from './failure.ts';
import { readCapFacts, readCodeFacts, readInvitationFacts, readKeyFacts } from './mail-facts.ts';
import type { Claimed } from './store.ts';

export interface MailSending {
  readonly mailer: Mailer;
  readonly authSecret: string;
  /** Origin of the console, without a slash at its end: the only place mails link to. */
  readonly consoleUrl: string;
  readonly hostName: string | null;
}

/** One try of one mail. @throws SendFailure, or what the mail server's client throws */
export async function sendMail(by: MailSending, entry: Claimed): Promise<void> {
  const content = contentOf(by, entry);
  if (content === null) throw new SendFailure('the mail cannot be written from what is stored', { final: true });
  await by.mailer.send({ id: entry.id, to: entry.target, ...writeMail(content) });
}

/** What the mail says; null for facts that are gone, of an unknown kind, or sealed with another secret. */
export function contentOf(by: Omit<MailSending, 'mailer'>, entry: Claimed): MailContent | null {
  const facts = entry.payload;
  if (facts === null) return null;
  const codeLink = (path: string, sealed: string): string | null => {
    const code = openText(by.authSecret, 'mail-code', entry.target, Buffer.from(sealed, 'base64url'));
    return code === null ? null : `${by.consoleUrl}${path}#code=${encodeURIComponent(code)}`;
  };
  const room = `${by.consoleUrl}/c/${encodeURIComponent(entry.company_id ?? '')}`;
  switch (entry.event) {
    case 'cap.near':
    case 'cap.reached': {
      const cap = readCapFacts(facts);
      return cap === null ? null : capMail(cap, { spend: `${room}/spend`, recipients: `${room}/spend/alerts` });
    }
    case 'key.invalid':
    case 'key.recovered':
    case 'fallback.started':
    case 'fallback.ended': {
      const key = readKeyFacts(facts);
      if (key === null) return null;
      const page = `${room}/keys/${encodeURIComponent(key.keyId)}`;
      return keyMail(key, { key: page, notices: `${room}/notices`, recipients: `${room}/spend/alerts` }, by.hostName);
    }
    case 'reset': {
      const reset = readCodeFacts(facts);
      const link = reset === null ? null : codeLink('/reset', reset.sealed);
      return link === null ? null : resetMail(link, RESET_MINUTES, by.hostName);
    }
    case 'invitation': {
      const invitation = readInvitationFacts(facts);
      const link = invitation === null ? null : codeLink('/invitation', invitation.sealed);
      if (invitation === null || link === null) return null;
      const { company, by: inviter, role } = invitation;
      return invitationMail({ company, by: inviter, role, days: INVITATION_DAYS }, link, by.hostName);
    }
    default:
      return null;
  }
}
