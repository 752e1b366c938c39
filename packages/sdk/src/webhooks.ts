import type { WebhookMessage } from '@ownkey/contract/webhook-events';

/** Headers as servers have them: an object with lower-case names (Node), or `Headers`. */
export type WebhookHeaders = Readonly<Record<string, string | readonly string[] | undefined>> | Headers;

export interface VerifyOptions {
  /** How far the time of the delivery may be from now, in seconds; 300 by default. */
  readonly toleranceS?: number;
  /** For tests. */
  readonly now?: Date;
}

export type WebhookProblem = 'headers' | 'secret' | 'timestamp' | 'signature' | 'body';

/** A delivery that was not signed with the secret, was changed, or is too old. Answer it with 400 and do nothing else. */
export class WebhookVerificationError extends Error {
  override readonly name = 'WebhookVerificationError';
  readonly problem: WebhookProblem;
  constructor(problem: WebhookProblem) {
    super(`this webhook is not genuine: ${problem}`);
    this.problem = problem;
  }
}

const TOLERANCE_S = 300;
const SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/;
const TIMESTAMP = /^\d{1,12}$/;
const SIGNATURES_MAX = 20;

/**
 * Checks a delivery and gives its message. `body` must be the bytes as they came, before any parsing. Several signatures may be
 * sent, one of them has to fit; they are compared in constant time. The same delivery may come more than once: remember its `id`.
 * @throws WebhookVerificationError
 */
export async function verifyWebhook(
  body: string | Uint8Array,
  headers: WebhookHeaders,
  secret: string,
  options: VerifyOptions = {},
): Promise<WebhookMessage> {
  const id = headerOf(headers, 'webhook-id');
  const timestamp = headerOf(headers, 'webhook-timestamp');
  const signatures = headerOf(headers, 'webhook-signature');
  if (id === null || timestamp === null || signatures === null) throw new WebhookVerificationError('headers');
  const encoded = SECRET.exec(secret)?.[1];
  if (encoded === undefined) throw new WebhookVerificationError('secret');
  const nowS = (options.now ?? new Date()).getTime() / 1000;
  if (!TIMESTAMP.test(timestamp) || Math.abs(nowS - Number(timestamp)) > (options.toleranceS ?? TOLERANCE_S))
    throw new WebhookVerificationError('timestamp');
  const text = typeof body === 'string' ? body : new TextDecoder().decode(body);
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${text}`);
  if (!(await isAnyRight(signatures, signed, encoded))) throw new WebhookVerificationError('signature');
  const message = readMessage(text);
  if (message === null || message.id !== id) throw new WebhookVerificationError('body');
  return message;
}

async function isAnyRight(signatures: string, signed: Uint8Array<ArrayBuffer>, secret: string): Promise<boolean> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', bytesOf(secret), algorithm, false, ['verify']);
  let right = false;
  for (const item of signatures.split(' ').slice(0, SIGNATURES_MAX)) {
    const signature = /^v1,([A-Za-z0-9+/]{43}=)$/.exec(item)?.[1];
    // Web Crypto compares in constant time.
    if (signature !== undefined && (await crypto.subtle.verify('HMAC', key, bytesOf(signature), signed))) right = true;
  }
  return right;
}

function headerOf(headers: WebhookHeaders, name: string): string | null {
  const value = headers instanceof Headers ? headers.get(name) : headers[name];
  const text = typeof value === 'string' ? value : value?.length === 1 ? value[0] : undefined;
  return text === undefined || text === null || text === '' ? null : text;
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function readMessage(text: string): WebhookMessage | null {
  try {
    const value: unknown = JSON.parse(text);
    return isMessage(value) ? value : null;
  } catch {
    return null;
  }
}

function isMessage(value: unknown): value is WebhookMessage {
  return (
    typeof value === 'object' &&
    value !== null &&
    'id' in value &&
    typeof value.id === 'string' &&
    'type' in value &&
    typeof value.type === 'string' &&
    'data' in value
  );
}
