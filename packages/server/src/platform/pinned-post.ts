import { type ClientRequest, request } from 'node:http';
import type { Socket } from 'node:net';
import type { BaseUrl } from '@ownkey/guard/base-url';
import { type ConnectRules, connectPinned } from '@ownkey/guard/pinned-connect';

/** A POST to an address that a customer gave. Redirects are answers like any other: nothing is followed. */
export interface PinnedPost {
  readonly target: BaseUrl;
  /** Path with query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface PostRules extends ConnectRules {
  /** `timeoutMs` is the limit of the whole: look-up, connection, answer. */
  readonly signal: AbortSignal;
}

const ANSWER_BYTES_MAX = 64 * 1024;

/**
 * The answer's status; of its text at most 64 KiB are read, and none is kept.
 * @throws Error no answer came. To a tenant every reason looks alike; the message is for the operator.
 */
export async function postPinned(post: PinnedPost, rules: PostRules): Promise<number> {
  const ended = new AbortController();
  const end = (): void => ended.abort();
  const timer = setTimeout(end, rules.timeoutMs);
  rules.signal.addEventListener('abort', end, { once: true });
  if (rules.signal.aborted) end();
  try {
    const socket = await connectPinned(post.target, rules, ended.signal);
    return await exchange(socket, post, ended.signal);
  } finally {
    clearTimeout(timer);
    rules.signal.removeEventListener('abort', end);
  }
}

function exchange(socket: Socket, post: PinnedPost, ended: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    let status: number | null = null;
    const sent: ClientRequest = request({
      method: 'POST',
      path: post.path,
      headers: {
        ...post.headers,
        host: new URL(post.target.origin).host,
        'content-length': Buffer.byteLength(post.body),
        connection: 'close',
      },
      setHost: false,
      createConnection: () => socket,
    });
    const finish = (error: Error | null): void => {
      ended.removeEventListener('abort', onEnd);
      if (status !== null) resolve(status);
      else reject(error ?? new Error('no answer'));
      sent.destroy();
      socket.destroy();
    };
    const onEnd = (): void => finish(new Error('time-out'));
    ended.addEventListener('abort', onEnd, { once: true });
    sent.on('error', finish);
    sent.once('response', (answer) => {
      status = answer.statusCode ?? 0;
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > ANSWER_BYTES_MAX) finish(null);
      });
      answer.on('end', () => finish(null));
      answer.on('error', finish);
    });
    if (ended.aborted) return onEnd();
    sent.end(post.body);
  });
}
