import type { ProviderFailure } from '@ownkey/contract/dialect';
import type { CatalogueEntry } from '@ownkey/contract/provider';
import {
  isJson,
  type Json,
  jsonOf,
  jsonsOf,
  numberOrNull,
  parseJson,
  storableText,
  textOf,
  textOrNull,
} from './json.ts';

type Headers = Readonly<Record<string, string>>;
type Kind = ProviderFailure['kind'];

/** Longest message kept of a provider's error, and longest of its other words. */
const MESSAGE_CHARACTERS_MAX = 2_000;
const WORD_CHARACTERS_MAX = 500;

/**
 * What a provider's error answer means. `body` is the answer's text or its parsed value, of any shape seen in the wild: wrapped
 * and bare objects, lists, plain text, HTML. Pure; never throws. The words are the provider's own and not scrubbed, but bounded and
 * such that a database takes them.
 */
export function classifyFailure(
  entry: Pick<CatalogueEntry, 'quirks'>,
  status: number,
  headers: Headers,
  body: unknown,
): ProviderFailure {
  const value = typeof body === 'string' ? (parseJson(body) ?? body) : body;
  const words = typeof value === 'string' ? readPlain(value, status) : readShape(value);
  const meant = status >= 400 ? status : statusOf(words);
  return {
    kind: kindOf(entry, meant, words, headers),
    status: meant,
    type: wordOrNull(words.type),
    code: wordOrNull(words.code),
    param: wordOrNull(words.param),
    message: storableText(words.message.slice(0, MESSAGE_CHARACTERS_MAX)),
    requestId: wordOrNull(requestIdOf(headers) ?? words.requestId),
    retryAfterMs: retryAfterOf(headers) ?? words.retryAfterMs,
  };
}

function wordOrNull(text: string | null): string | null {
  return text === null ? null : storableText(text.slice(0, WORD_CHARACTERS_MAX));
}

/** The provider's id of an answer, for its support. */
export function requestIdOf(headers: Headers): string | null {
  return headers['x-request-id'] ?? headers['request-id'] ?? headers['mistral-correlation-id'] ?? null;
}

/** A failure that is ours to word: an answer nobody can read. */
export function unreadable(message: string, headers: Headers = {}): ProviderFailure {
  return {
    kind: 'unreadable',
    status: 502,
    type: null,
    code: null,
    message,
    requestId: requestIdOf(headers),
    retryAfterMs: null,
  };
}

interface Words {
  message: string;
  type: string | null;
  code: string | null;
  param: string | null;
  requestId: string | null;
  retryAfterMs: number | null;
  /** A status written inside the body. */
  status: number | null;
}

const NOTHING: Words = {
  message: '',
  type: null,
  code: null,
  param: null,
  requestId: null,
  retryAfterMs: null,
  status: null,
};

/** Pages and plain lines of proxies: the title or the first words. */
function readPlain(text: string, status: number): Words {
  const trimmed = text.trim();
  if (!/^\s*</.test(trimmed)) return { ...NOTHING, message: trimmed || `Answered with status ${status} and no body.` };
  const title = /<title[^>]*>([^<]{1,300})<\/title>/i.exec(trimmed)?.[1]?.trim();
  return { ...NOTHING, message: title ?? `Answered with status ${status} and a web page.` };
}

function readShape(value: unknown): Words {
  const outer = jsonOf(Array.isArray(value) ? value[0] : value);
  const inner = isJson(outer.error) ? outer.error : outer;
  const code = inner.code ?? outer.code;
  return {
    message: messageOf(outer, inner),
    type: textOrNull(inner.type) ?? textOrNull(inner.status),
    code: textOrNull(code) ?? (typeof code === 'number' ? String(code) : null),
    param: textOrNull(inner.param),
    requestId: textOrNull(outer.request_id) ?? null,
    retryAfterMs: retryDelayOf(inner),
    status: numberOrNull(inner.status_code) ?? numberOrNull(code),
  };
}

function messageOf(outer: Json, inner: Json): string {
  const upstream = textOrNull(jsonOf(inner.metadata).raw);
  const details = jsonsOf(outer.detail).map((item) => textOf(item.msg));
  const message =
    textOrNull(inner.message) ??
    textOrNull(outer.error) ??
    textOrNull(outer.detail) ??
    textOrNull(outer.message) ??
    (details.length > 0 ? details.filter(Boolean).join('; ') : null) ??
    'The provider gave no message.';
  return upstream === null ? message : `${message}: ${upstream}`;
}

/** Longest wait believed; what is longer is no rate limit. */
const RETRY_AFTER_MS_MAX = 24 * 3600 * 1000;

/** `retryDelay: "21.8s"` in Google's error details. */
function retryDelayOf(inner: Json): number | null {
  for (const detail of jsonsOf(inner.details)) {
    const seconds = /^(\d+(?:\.\d+)?)s$/.exec(textOf(detail.retryDelay))?.[1];
    if (seconds !== undefined) return Math.min(Math.ceil(Number(seconds) * 1000), RETRY_AFTER_MS_MAX);
  }
  return null;
}

function retryAfterOf(headers: Headers): number | null {
  const millis = Number(headers['retry-after-ms'] ?? Number.NaN);
  if (millis >= 0) return Math.min(millis, RETRY_AFTER_MS_MAX);
  const after = headers['retry-after'];
  if (after === undefined) return null;
  const seconds = Number(after);
  if (seconds >= 0) return Math.min(Math.ceil(seconds * 1000), RETRY_AFTER_MS_MAX);
  // A date counts from the answer's own date, so that no clock is needed.
  const span = Date.parse(after) - Date.parse(headers.date ?? '');
  return span >= 0 ? Math.min(span, RETRY_AFTER_MS_MAX) : null;
}

const STATUS_BY_TYPE: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  rate_limit_exceeded: 429,
  insufficient_quota: 429,
  api_error: 500,
  server_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

/** Status of an error that came inside an answer with status 200. */
function statusOf(words: Words): number {
  const written = words.status;
  if (written !== null && written >= 400 && written <= 599) return written;
  return STATUS_BY_TYPE[words.code ?? ''] ?? STATUS_BY_TYPE[words.type ?? ''] ?? 502;
}

const KIND_BY_STATUS: Readonly<Record<number, Kind>> = {
  401: 'key_rejected',
  402: 'no_credit',
  403: 'key_restricted',
  404: 'not_found',
  408: 'outage',
  413: 'too_large',
  429: 'rate_limited',
};

function kindOf({ quirks }: Pick<CatalogueEntry, 'quirks'>, status: number, words: Words, headers: Headers): Kind {
  const text = `${words.code ?? ''} ${words.type ?? ''} ${words.message}`;
  const says = (patterns: { status: number; pattern: string }[] | undefined): boolean =>
    (patterns ?? []).some((known) => known.status === status && new RegExp(known.pattern, 'i').test(text));
  if (says(quirks.no_credit)) return 'no_credit';
  if (says(quirks.restricted_key)) return 'key_restricted';
  if (says(quirks.rejected_key)) return 'key_rejected';
  if (words.code === 'insufficient_quota' || words.type === 'insufficient_quota') return 'no_credit';
  if (words.code === 'model_not_found') return 'not_found';
  if (/^content_(?:filter|policy_violation)$/.test(words.code ?? '')) return 'refused';
  // A request that is too long for any minute of the limit is not cured by waiting; its sender says so.
  if (status === 429 && (/request too large/i.test(words.message) || isFinal(headers))) return 'too_large';
  if (status >= 500) return 'outage';
  return KIND_BY_STATUS[status] ?? 'bad_request';
}

function isFinal(headers: Headers): boolean {
  return headers['x-should-retry'] === 'false' && headers['retry-after'] === undefined;
}
