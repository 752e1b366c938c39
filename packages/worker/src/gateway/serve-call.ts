import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Task } from '@ownkey/contract/dialect';
import { OwnkeyError } from '@ownkey/contract/errors';
import { REQUEST_HEADERS } from '@ownkey/contract/headers';
import { newId } from '@ownkey/contract/ids';
import type { Wire } from '@ownkey/contract/provider';
import { readBody } from '@ownkey/policy/read-body';
import { readFeatures } from '@ownkey/policy/request-features';
import type { Caller } from '../access/caller.ts';
import { type BodyBudget, type BodyLimits, collectBody } from '../http/body.ts';
import { type CallParts, type CallPlan, runCall } from './call.ts';
import { type ReserveParts, reserveCall } from './reserve-call.ts';
import { keyRefOf } from './route.ts';

export interface GatewayParts extends CallParts, ReserveParts {
  bodyLimits: BodyLimits;
  bodyBudget: BodyBudget;
}

/** How often a call is begun anew because its key went away between the decision and the sending. */
const SENDS_MAX = 3;

/**
 * One AI call from its headers to the end of its answer: who calls, read the body, whose key, reserve, send, relay, settle.
 * Resolves when the answer is over; rejects with what has to be answered while nothing was.
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
    let again: Caller | null = caller;
    for (let tries = 1; again !== null; tries++) {
      const requestId = tries === 1 ? call.requestId : newId('request');
      const ready = await reserveCall(parts, {
        wire,
        task,
        streaming,
        request,
        body: body.bytes,
        asked,
        features,
        caller: again,
        requestId,
      });
      const plan: CallPlan = {
        wire,
        streaming,
        requestId,
        hold: ready.hold,
        route: ready.route,
        keyRef: keyRefOf(ready.caller.configuration.company.id, ready.route.key),
        exchange: ready.exchange,
        requestBytes: body.bytes.length,
        spend: ready.spend,
        free: task === 'count-tokens',
        sentMaxTokens: ready.sentMaxTokens,
        usageComment: request.headers[REQUEST_HEADERS.usage] === '1',
        mayDecideAgain: tries < SENDS_MAX,
      };
      const end = await runCall(parts, plan, response);
      again = end === 'again' ? await parts.callers.read(request.headers, 'inference', true) : null;
    }
  } finally {
    body.release();
  }
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
