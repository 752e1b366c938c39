import { ConnectionError, toApiError } from './api-error.ts';

export interface ClientOptions {
  /** Origin of the console and API, such as `https://keys.example.com`; empty in a browser on that origin. */
  readonly baseUrl?: string;
  /** An `oky_…` token. Without one the browser's session cookie authenticates. */
  readonly token?: string;
  /** Company a host token acts for (ours or the host's own id). */
  readonly company?: string;
  /** Milliseconds before a call is given up; 60,000 by default (a key test waits for the provider). */
  readonly timeoutMs?: number;
  readonly fetch?: typeof globalThis.fetch;
  /** Fingerprint of the only sealing key that keys may be sealed for, as `ownkey start` prints it. */
  readonly sealingFingerprint?: string;
}

export interface CallOptions {
  readonly query?: Readonly<Record<string, string | number | boolean | null | undefined>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** `If-Match`: refuse with `conflict.changed` unless the thing still has this ETag. */
  readonly ifMatch?: string;
  /** Makes a repeated write the same write. */
  readonly idempotencyKey?: string;
  /** Ask for 202 and a job at once (`Prefer: respond-async`). */
  readonly async?: boolean;
}

export interface Answer<T> {
  readonly data: T;
  readonly etag: string | null;
  readonly status: number;
}

/** One connection to the API. Keeps no state, so calls may run side by side. */
export interface Client {
  /**
   * Sends one call. The answer's shape is the route's own; name it as `T`.
   * @throws ApiError the API refused; ConnectionError no answer came; AbortError `signal` was aborted
   */
  call<T>(method: string, path: string, options?: CallOptions): Promise<Answer<T>>;
  /** As the client was made with; null = none is pinned. */
  readonly sealingFingerprint: string | null;
}

const TIMEOUT_MS = 60_000;

/** A client for one installation. */
export function createClient(options: ClientOptions = {}): Client {
  const send = options.fetch ?? globalThis.fetch.bind(globalThis);
  return {
    sealingFingerprint: options.sealingFingerprint ?? null,
    async call<T>(method: string, path: string, call: CallOptions = {}): Promise<Answer<T>> {
      const timeout = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
      const response = await send(`${options.baseUrl ?? ''}${path}${queryText(call.query)}`, {
        method,
        headers: headersOf(options, call),
        credentials: options.token === undefined ? 'same-origin' : 'omit',
        signal: call.signal === undefined ? timeout : AbortSignal.any([call.signal, timeout]),
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      }).catch((cause: unknown) => {
        if (call.signal?.aborted === true) throw cause;
        throw new ConnectionError('No answer from Ownkey.', { cause });
      });
      const text = await response.text().catch((cause: unknown) => {
        throw new ConnectionError('The answer of Ownkey broke off.', { cause });
      });
      const body = parseJson(text);
      if (!response.ok) throw toApiError(response.status, body, response.headers.get('x-ownkey-request-id'));
      return { data: body as T, etag: response.headers.get('etag'), status: response.status };
    },
  };
}

function headersOf(options: ClientOptions, call: CallOptions): Record<string, string> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (options.token !== undefined) headers.authorization = `Bearer ${options.token}`;
  if (options.company !== undefined) headers['x-ownkey-company'] = options.company;
  if (call.body !== undefined) headers['content-type'] = 'application/json';
  if (call.ifMatch !== undefined) headers['if-match'] = call.ifMatch;
  if (call.async === true) headers.prefer = 'respond-async';
  if (call.idempotencyKey !== undefined) headers['idempotency-key'] = call.idempotencyKey;
  return headers;
}

function queryText(query: CallOptions['query']): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== null && value !== undefined && value !== '') search.set(name, String(value));
  }
  const text = search.toString();
  return text === '' ? '' : `?${text}`;
}

/** An empty or foreign body (a proxy's HTML page) reads as null; the status then speaks. */
function parseJson(text: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text);
  } catch {
    return null;
  }
}
