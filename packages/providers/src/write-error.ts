import type { ProviderFailure } from '@ownkey/contract/dialect';
import type { Wire } from '@ownkey/contract/provider';
import { defined, type Json } from './json.ts';

/**
 * A provider's failure as the body of an error answer in the caller's wire, with the provider's own type and code. `scrub` is
 * applied to the message; without it the message must be scrubbed already.
 */
export function writeError(wire: Wire, failure: ProviderFailure, scrub?: (text: string) => string): Buffer {
  return Buffer.from(JSON.stringify(errorBody(wire, failure, scrub)));
}

/** As `writeError`, as a value: also the body of an error inside a stream. */
export function errorBody(wire: Wire, failure: ProviderFailure, scrub: (text: string) => string = same): Json {
  const message = scrub(failure.message);
  if (wire === 'anthropic-messages') {
    const error = defined({ type: anthropicType(failure), message, code: failure.code ?? undefined });
    return defined({ type: 'error', error, request_id: failure.requestId ?? undefined });
  }
  return {
    error: {
      message,
      type: failure.type ?? openAiType(failure.status),
      param: failure.param ?? null,
      code: failure.code,
    },
  };
}

function same(text: string): string {
  return text;
}

const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};
const KNOWN_TYPES = new Set([...Object.values(ANTHROPIC_TYPES), 'api_error']);

/** Clients of that wire know a closed set of types: https://platform.claude.com/docs/en/api/errors */
function anthropicType({ status, type }: ProviderFailure): string {
  // Other wires call nearly everything an invalid request; here the type has to fit the status.
  if (type !== null && KNOWN_TYPES.has(type) && (status === 400 || !(status in ANTHROPIC_TYPES))) return type;
  return ANTHROPIC_TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
}

function openAiType(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 402) return 'insufficient_quota';
  if (status === 403) return 'permission_error';
  if (status === 404) return 'not_found_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'api_error' : 'invalid_request_error';
}
