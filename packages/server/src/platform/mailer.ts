import { createTransport } from 'nodemailer';

/** One mail to one person. `id` becomes its Message-ID: who gets it twice after a crash gets the same mail. */
export interface Mail {
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export interface Mailer {
  /** Resolves when the next server has taken the mail. @throws Error it has not, or it is not known whether it has */
  send(mail: Mail): Promise<void>;
  close(): void;
}

export interface Sender {
  readonly name: string;
  readonly address: string;
}

/** Together shorter than the lease of a mail in the outbox. */
const CONNECT_MS = 10_000;
const ANSWER_MS = 20_000;
const WHOLE_MS = 60_000;
const CONNECTIONS_MAX = 4;

/** Mails over a server of the operator's. A password is sent over TLS alone, except to this very machine. */
export function createSmtpMailer(url: string, from: Sender): Mailer {
  const { hostname, username } = new URL(url);
  const isLocal = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
  const transport = createTransport({
    url,
    pool: true,
    maxConnections: CONNECTIONS_MAX,
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: ANSWER_MS,
    requireTLS: username !== '' && !isLocal,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    send: async (mail) => {
      await within(
        transport.sendMail({
          from,
          to: { name: '', address: mail.to },
          subject: mail.subject,
          text: mail.text,
          html: mail.html,
          messageId: `<${mail.id}@${from.address.split('@')[1] ?? 'localhost'}>`,
          headers: { 'Auto-Submitted': 'auto-generated' },
        }),
        WHOLE_MS,
      );
    },
    close: () => transport.close(),
  };
}

/** Mails of development: into the post box of the sandbox. */
export function createMailboxMailer(url: string, send: typeof fetch = fetch): Mailer {
  return {
    send: async ({ to, subject, text, html }) => {
      const answer = await send(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ to, subject, text, html }),
        redirect: 'error',
        signal: AbortSignal.timeout(CONNECT_MS),
      });
      await answer.body?.cancel();
      if (!answer.ok) throw new Error(`the post box answered ${answer.status}`);
    },
    close: () => {},
  };
}

/** Reads `Name <address>` or an address alone; its form was checked with the settings. */
export function readSender(text: string): Sender {
  const named = /^(.*)<([^<>]+)>$/u.exec(text.trim());
  if (named === null) return { name: '', address: text.trim() };
  return { name: (named[1] ?? '').replace(/^\s*"?|"?\s*$/g, ''), address: named[2] ?? '' };
}

async function within<T>(work: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the mail server took too long')), limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
