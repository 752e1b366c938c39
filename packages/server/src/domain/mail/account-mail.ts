import { type MailContent, plain } from './mail-text.ts';

/** Mails that carry a code. It stands in the link's fragment, which reaches no server, log or Referer. */
export function resetMail(link: string, minutes: number, host: string | null): MailContent {
  const where = host === null ? '' : ` at ${plain(host)}`;
  return {
    subject: `Set a new password${where}`,
    paragraphs: [
      [
        `Somebody asked for a new password for this address${where}. Set it here, within ${minutes} minutes: `,
        { label: 'Set a new password', url: link },
      ],
      ['The link works once. If it was not you, do nothing: the password stays as it is.'],
    ],
  };
}

export interface InvitationFacts {
  readonly company: string;
  readonly by: string | null;
  readonly role: 'admin' | 'member';
  readonly days: number;
}

export function invitationMail(facts: InvitationFacts, link: string, host: string | null): MailContent {
  const company = plain(facts.company);
  const who = facts.by === null ? 'An admin' : plain(facts.by);
  const where = host === null ? '' : ` at ${plain(host)}`;
  const role = facts.role === 'admin' ? 'an admin' : 'a member';
  return {
    subject: `${who} invites you to ${company}`,
    paragraphs: [
      [
        `${who} invites you to join ${company}${where} as ${role}. Choose a password to join: `,
        { label: 'Join', url: link },
      ],
      [`The link works once, for ${facts.days} days. If you do not know them, do nothing.`],
    ],
  };
}
