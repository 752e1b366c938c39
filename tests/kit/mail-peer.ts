import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll } from 'vitest';

/** A mail as it arrived, decoded. */
export interface ArrivedMail {
  readonly to: string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly raw: string;
}

/** A real SMTP server on a loopback port. */
export interface MailPeer {
  readonly url: string;
  readonly mails: ArrivedMail[];
  /** What it answers to a whole mail: null takes it, a number refuses with that code, 'lose' takes it and hangs up unanswered. */
  answer: number | 'lose' | null;
}

/** Started before the tests of a file, closed after them. */
export function useMailPeer(): MailPeer {
  let url = '';
  const peer: MailPeer = {
    get url() {
      if (url === '') throw new Error('useMailPeer(): read it inside a test or hook');
      return url;
    },
    mails: [],
    answer: null,
  };
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    logger: false,
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        if (typeof peer.answer === 'number') {
          const refused = Object.assign(new Error('not now'), { responseCode: peer.answer });
          return done(refused);
        }
        const to = session.envelope.rcptTo.map(({ address }) => address);
        peer.mails.push(readMail(Buffer.concat(chunks).toString('utf8'), to));
        if (peer.answer === 'lose') return void lost.get(session.id)?.();
        done();
      });
    },
    onConnect: (session, done) => {
      lost.set(session.id, () => {
        for (const connection of server.connections) if (connection.session?.id === session.id) connection.close();
      });
      done();
    },
  });
  const lost = new Map<string, () => void>();
  server.on('error', () => {});
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    const address = server.server.address();
    url = `smtp://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  });
  afterAll(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return peer;
}

function readMail(raw: string, to: string[]): ArrivedMail {
  const { headers, body } = split(raw);
  const boundary = /boundary="([^"]+)"/.exec(headers['content-type'] ?? '')?.[1];
  const parts = boundary === undefined ? [raw] : body.split(`--${boundary}`).slice(1, -1);
  const of = (type: string): string => {
    for (const part of parts) {
      const inner = split(part.slice(2, -2));
      if (inner.headers['content-type']?.startsWith(type)) return decodeBody(inner);
    }
    return '';
  };
  return {
    to,
    headers,
    subject: decodeWords(headers.subject ?? ''),
    text: of('text/plain'),
    html: of('text/html'),
    raw,
  };
}

function split(raw: string): { headers: Record<string, string>; body: string } {
  const at = raw.indexOf('\r\n\r\n');
  const lines = raw
    .slice(0, at)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n');
  const headers: Record<string, string> = {};
  for (const line of lines) headers[line.slice(0, line.indexOf(':')).toLowerCase()] = line.slice(line.indexOf(':') + 2);
  return { headers, body: raw.slice(at + 4) };
}

function decodeBody({ headers, body }: { headers: Record<string, string>; body: string }): string {
  const encoding = headers['content-transfer-encoding'];
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString('utf8');
  if (encoding !== 'quoted-printable') return body.replaceAll('\r\n', '\n');
  return quotedPrintable(body.replace(/=\r\n/g, '')).replaceAll('\r\n', '\n');
}

function decodeWords(text: string): string {
  return text
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?([qb])\?([^?]*)\?=/gi, (_, kind: string, word: string) =>
      kind.toLowerCase() === 'b'
        ? Buffer.from(word, 'base64').toString('latin1')
        : Buffer.from(quotedPrintable(word.replaceAll('_', ' ')), 'utf8').toString('latin1'),
    )
    .replace(/[\x80-\xff]+/g, (bytes) => Buffer.from(bytes, 'latin1').toString('utf8'));
}

function quotedPrintable(text: string): string {
  return text.replace(/(?:=[0-9A-F]{2})+/gi, (run) => Buffer.from(run.replaceAll('=', ''), 'hex').toString('utf8'));
}
