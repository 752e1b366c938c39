import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Task } from '@ownkey/contract/dialect';
import { OwnkeyError } from '@ownkey/contract/errors';
import { REQUEST_HEADERS } from '@ownkey/contract/headers';
import { newId } from '@ownkey/contract/ids';
import type { Wire } from '@ownkey/contract/provider';
import { readBody } from '@ownkey/policy/read-body';
import { readFeatures } from '@ownkey/policy/request-features';
import { type BodyBudget, type BodyLimits, collectBody } from '../http/body.ts';
import { DECIDED, type FallbackAttempt } from './attempt.ts';
import { runCall } from './call.ts';
import type { CallParts } from './call-parts.ts';
import type { CallPlan } from './call-plan.ts';
import { type Asked, type ReservedCall, type ReserveParts, reserveCall } from './reserve-call.ts';
import { keyRefOf } from './route.ts';

export interface GatewayParts extends CallParts, ReserveParts {
  bodyLimits: BodyLimits;
  bodyBudget: BodyBudget;
}

/** How often a call is begun anew because its key went away between the decision and the sending. */
const SENDS_MAX = 3;

/**
 * One AI call from its headers to the end of its answer: who calls, read the body, whose key, reserve, send, relay, settle; and on
 * the platform's key where the own one failed and that may follow. Resolves when the answer is over; rejects with what has to be
 * answered while nothing was.
 */
export async function serveCall(
  parts: GatewayParts,
  { wire, task }: { wire: Wire; task: Task },
  request: IncomingMessage,
  response: ServerResponse,
  call: { requestId: string; expectsContinue: boolean },
): Promise<void> {
  const caller = await parts.callers.read(request.headers, 'inference', false);
  checkContent(request);
  const body = await collectBody(request, response, parts.bodyLimits, parts.bodyBudget, call.expectsContinue);
  try {
    const asked = readBody(body.bytes, wire);
    const features = readFeatures(body.bytes, wire);
    const streaming = asked.stream && task === 'answer';
    let first: Asked = {
      wire,
      task,
      streaming,
      request,
      body: body.bytes,
      asked,
      features,
      caller,
      requestId: call.requestId,
      attempt: DECIDED,
    };
    for (let tries = 1; ; tries++) {
      const mayDecideAgain = tries < SENDS_MAX;
      const end = await callOnce(parts, first, response, mayDecideAgain);
      if (end === 'answered') return;
      const again = await parts.callers.read(request.headers, 'inference', true);
      first = { ...first, caller: again, requestId: newId('request') };
    }
  } finally {
    body.release();
  }
}

/** One decision carried out: on the key decided on and, when that was an own one and fails, on the platform's. */
async function callOnce(
  parts: GatewayParts,
  asked: Asked,
  response: ServerResponse,
  mayDecideAgain: boolean,
): Promise<'answered' | 'again'> {
  const ready = await reserveCall(parts, asked);
  const end = await runCall(parts, planOf(asked, ready, mayDecideAgain), response);
  if (end.kind !== 'failed') return end.kind;
  // Nobody waits for an answer any more: nobody else pays for one.
  if (response.destroyed) return 'answered';
  const { key } = ready.route;
  const attempt: FallbackAttempt = {
    kind: 'fallback',
    reason: end.reason,
    own: { id: key.id, version: key.version },
    afterId: asked.requestId,
  };
  const next: Asked = { ...asked, caller: ready.caller, requestId: newId('request'), attempt };
  const fallback = await reserveFallback(parts, next);
  if (fallback === null) end.answer();
  else await runCall(parts, planOf(next, fallback, false), response);
  return 'answered';
}

/** null = nothing may follow the own key after all (credits, caps, a change): its failure stays the answer. */
async function reserveFallback(parts: GatewayParts, next: Asked): Promise<ReservedCall | null> {
  try {
    return await reserveCall(parts, next);
  } catch (error) {
    const code = error instanceof OwnkeyError ? error.code : 'internal';
    const log = { request_id: next.requestId, code, ...(error instanceof OwnkeyError ? {} : { error }) };
    parts.log.info('no fallback', log);
    return null;
  }
}

function planOf(asked: Asked, ready: ReservedCall, mayDecideAgain: boolean): CallPlan {
  const { company } = ready.caller.configuration;
  const { key, fallback } = ready.route;
  return {
    wire: asked.wire,
    streaming: asked.streaming,
    requestId: asked.requestId,
    companyId: company.id,
    attempt: ready.attempt,
    hold: ready.hold,
    route: ready.route,
    keyRef: keyRefOf(company.id, key),
    exchange: ready.exchange,
    requestBytes: asked.body.length,
    spend: ready.spend,
    free: asked.task === 'count-tokens',
    sentMaxTokens: ready.sentMaxTokens,
    usageComment: asked.request.headers[REQUEST_HEADERS.usage] === '1',
    mayDecideAgain,
    mayFallBack: fallback !== null && !ready.fallbackRefused,
    keyInNotice: company.keysInNotice.has(key.id),
  };
}

/** JSON only, as it is: a compressed body would pass the limit on its way in. */
function checkContent({ headers }: IncomingMessage): void {
  const type = headers['content-type'];
  const encoding = headers['content-encoding'];
  const isJson = type === undefined || /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type);
  if (!isJson || (encoding !== undefined && encoding !== 'identity')) {
    throw new OwnkeyError('request.unsupported_media_type');
  }
}
