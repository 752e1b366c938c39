import type { ProviderFailure } from '@ownkey/contract/dialect';
import { errorHeaders, wireErrorBody } from '@ownkey/contract/error-shapes';
import { ERRORS, type ErrorCode, type ErrorFacts } from '@ownkey/contract/errors';
import { RESPONSE_HEADERS } from '@ownkey/contract/headers';
import type { Wire } from '@ownkey/contract/provider';
import type { Scrubber } from '@ownkey/guard/scrub';
import { scrubFailure } from './scrub-failure.ts';

/** An answer of ours in the caller's wire, whole. */
export interface FailureAnswer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

/** The provider's own error, with its status and type, scrubbed. `status`: of the provider's head. */
export function providerFailureAnswer(
  { scrubber, writeError }: { scrubber: Scrubber; writeError: (wire: Wire, failure: ProviderFailure) => Buffer },
  wire: Wire,
  status: number,
  failure: ProviderFailure,
): FailureAnswer {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    [RESPONSE_HEADERS.errorCode]: 'provider.error',
  };
  if (failure.retryAfterMs !== null) headers['retry-after'] = String(Math.ceil(failure.retryAfterMs / 1000));
  return {
    status: status >= 400 ? status : failure.status,
    headers,
    body: writeError(wire, scrubFailure(failure, scrubber.scrubText)),
  };
}

/** An end that is not the provider's own. */
export function ownFailureAnswer(wire: Wire, code: ErrorCode, facts: ErrorFacts): FailureAnswer {
  return {
    status: ERRORS[code].status,
    headers: { 'content-type': 'application/json', ...errorHeaders(code, facts) },
    body: Buffer.from(JSON.stringify(wireErrorBody(wire, code, facts))),
  };
}
