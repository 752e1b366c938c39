import { errorHeaders, problemBody } from '@ownkey/contract/error-shapes';
import { OwnkeyError } from '@ownkey/contract/errors';
import { scrubFacts } from '@ownkey/guard/scrub-facts';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { DetailedError } from '../platform/detailed-error.ts';

export const PROBLEM_TYPE = 'application/problem+json';

/**
 * The body of a failure. `not_found` has no request id (the header has it): what is not the caller's answers byte for byte like
 * what is not there.
 */
export function problemOf(error: OwnkeyError, requestId: string): Record<string, unknown> {
  const members = error instanceof DetailedError ? error.members : {};
  const { request_id, ...body } = problemBody(error.code, scrubFacts(error.facts), requestId);
  return error.code === 'not_found' ? body : { ...body, ...members, request_id };
}

/** Sends a failure as RFC 9457. Never holds a body, a header or a text of the failure itself. */
export function sendProblem(reply: FastifyReply, error: OwnkeyError, requestId: string): FastifyReply {
  return reply
    .code(error.status)
    .headers(errorHeaders(error.code, error.facts))
    .type(PROBLEM_TYPE)
    .serializer((body: unknown) => JSON.stringify(body))
    .send(problemOf(error, requestId));
}

/** What a thrown value is in the error table. */
export function asOwnkeyError(error: unknown, request: Pick<FastifyRequest, 'method' | 'routeOptions'>): OwnkeyError {
  if (error instanceof OwnkeyError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const [issue] = error.validation;
    const param = issue?.instancePath.split('/').filter(Boolean).join('.') || (error.validationContext ?? 'body');
    return new OwnkeyError('request.invalid', { problem: `${param}: ${issue?.message ?? 'not valid'}.`, param });
  }
  const { code, statusCode } = facts(error);
  if (code !== null && DATABASE_DOWN.has(code)) return new OwnkeyError('ledger.unavailable', {}, code);
  if (code === '22021' || code === '22P05') {
    return new OwnkeyError('request.invalid', {
      problem: 'A text holds a character that cannot be stored.',
      param: null,
    });
  }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE' || statusCode === 413)
    return new OwnkeyError('request.too_large', { limit_bytes: request.routeOptions.bodyLimit ?? API_BODY_BYTES_MAX });
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return new OwnkeyError('request.unsupported_media_type');
  if (code === 'FST_ERR_CTP_EMPTY_JSON_BODY' || code === 'FST_ERR_CTP_INVALID_CONTENT_LENGTH' || statusCode === 400)
    return new OwnkeyError('request.invalid_json', { problem: 'it is empty or cut off' });
  if (code === 'FST_ERR_MAX_PARAM_LENGTH')
    return new OwnkeyError('request.invalid', { problem: 'An id in the address is too long.', param: null });
  if (statusCode === 405) return new OwnkeyError('method_not_allowed', { method: request.method });
  // 403 comes from the file server: a path that leads out of its folder.
  if (statusCode === 404 || statusCode === 403) return new OwnkeyError('not_found');
  return new OwnkeyError('internal', {}, error instanceof Error ? error.message : 'thrown value', { cause: error });
}

/** Largest body of an API call; a sealed key is under 16 KiB. */
export const API_BODY_BYTES_MAX = 262_144;

/** Codes of the driver, of the system and of PostgreSQL (class 08, 53, 57P) that mean "not reachable now". */
const DATABASE_DOWN: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EPIPE',
  '08000',
  '08001',
  '08003',
  '08006',
  '53300',
  '57P01',
  '57P02',
  '57P03',
]);

function facts(error: unknown): { code: string | null; statusCode: number | null } {
  if (!(error instanceof Error)) return { code: null, statusCode: null };
  const known: Partial<FastifyError> = error;
  const code = typeof known.code === 'string' ? known.code : null;
  const statusCode = typeof known.statusCode === 'number' ? known.statusCode : null;
  if (code === null && /timeout exceeded when trying to connect|Connection terminated/.test(error.message))
    return { code: 'ETIMEDOUT', statusCode };
  return { code, statusCode };
}
