import { ERRORS, type ErrorCode, type ErrorFacts, errorAction, errorMessage } from './errors.ts';
import type { Wire } from './provider.ts';

/** Body of an error of ours on `/v1`, in the shape of the wire the caller speaks. */
export function wireErrorBody(wire: Wire, code: ErrorCode, facts: ErrorFacts = {}): Record<string, unknown> {
  const message = `${errorMessage(code, facts)} ${errorAction(code, facts)}`;
  if (wire === 'anthropic-messages') {
    return { type: 'error', error: { type: anthropicType(ERRORS[code].status), message, code, ...extra(facts) } };
  }
  return {
    error: { message, type: openAiType(ERRORS[code].status), code, param: facts.param ?? null, ...extra(facts) },
  };
}

/** RFC 9457 problem of an error of ours on `/api`, with our `code`. */
export function problemBody(code: ErrorCode, facts: ErrorFacts, requestId: string): Record<string, unknown> {
  return {
    type: `/docs/errors#${code}`,
    title: errorMessage(code, facts),
    status: ERRORS[code].status,
    detail: errorAction(code, facts),
    code,
    request_id: requestId,
    ...facts,
  };
}

/** Headers of an error: the code always; official clients must not sleep and repeat what cannot change. */
export function errorHeaders(code: ErrorCode, facts: ErrorFacts = {}): Record<string, string> {
  const headers: Record<string, string> = { 'x-ownkey-error-code': code };
  if (!ERRORS[code].retryable) headers['x-should-retry'] = 'false';
  const seconds = facts.seconds;
  if (ERRORS[code].retryable && seconds !== undefined && seconds !== null) headers['retry-after'] = String(seconds);
  const resetsAt = facts.resets_at;
  if (typeof resetsAt === 'string') headers['x-ownkey-cap-resets-at'] = resetsAt;
  const left = facts.cap_remaining_usd;
  if (typeof left === 'string') headers['x-ownkey-cap-remaining-usd'] = left;
  return headers;
}

/** Facts clients may act on; the rest is in the sentence. */
function extra(facts: ErrorFacts): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const name of ['cap_usd', 'remaining_usd', 'cost_usd', 'whose', 'resets_at', 'upgrade_url', 'feature']) {
    if (facts[name] !== undefined) kept[name] = facts[name];
  }
  return kept;
}

function openAiType(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 402) return 'insufficient_quota';
  if (status === 403) return 'permission_error';
  if (status === 404) return 'not_found_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'api_error' : 'invalid_request_error';
}

/** The closed set of types of https://docs.anthropic.com/en/api/errors */
function anthropicType(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 402) return 'billing_error';
  if (status === 403) return 'permission_error';
  if (status === 404) return 'not_found_error';
  if (status === 413) return 'request_too_large';
  if (status === 429) return 'rate_limit_error';
  if (status === 503) return 'overloaded_error';
  return status >= 500 ? 'api_error' : 'invalid_request_error';
}
