import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type Exchange,
  type PrepareExchange,
  type ProviderFailure,
  type Task,
  UnsupportedFeature,
} from '@ownkey/contract/dialect';
import { OwnkeyError } from '@ownkey/contract/errors';
import { REQUEST_HEADERS } from '@ownkey/contract/headers';
import { newId } from '@ownkey/contract/ids';
import { JsonScanError } from '@ownkey/contract/json-scan';
import type { Wire } from '@ownkey/contract/provider';
import { type CallBody, readBody } from '@ownkey/policy/read-body';
import type { Caller, CallerReader } from '../access/caller.ts';
import { type BodyBudget, type BodyLimits, collectBody } from '../http/body.ts';
import type { Hold, Ledger, Reservation } from '../ledger/ledger.ts';
import { type CallParts, type CallPlan, runCall } from './call.ts';
import { keyRefOf, type ListModels, type Route, routeCall } from './route.ts';
import type { Targets } from './targets.ts';

export interface GatewayParts extends CallParts {
  callers: CallerReader;
  ledger: Ledger;
  targets: Targets;
  listModels: ListModels;
  prepareExchange: PrepareExchange;
  bodyLimits: BodyLimits;
  bodyBudget: BodyBudget;
  answerBytesMax: number;
  /** A provider's earlier refusal of what we add to requests, by base URL. */
  refusedAdditions: ReadonlyMap<string, ProviderFailure>;
}

/** How often a call is begun anew because its key went away between the decision and the sending. */
const SENDS_MAX = 3;

/** How often a call is decided again while the configuration moves under it. */
const DECISIONS_MAX = 8;

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
    const asked = readBody(body.bytes);
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

interface Asked {
  wire: Wire;
  task: Task;
  streaming: boolean;
  request: IncomingMessage;
  body: Buffer;
  asked: CallBody;
  caller: Caller;
  requestId: string;
}

/**
 * Decides and reserves. A refusal that rests on memory is decided again on a fresh configuration before it counts; a reservation
 * that the database says rests on an older configuration, too.
 */
async function reserveCall(
  parts: GatewayParts,
  call: Asked,
): Promise<{ hold: Hold; route: Route; exchange: Exchange; caller: Caller }> {
  const { asked, request } = call;
  let { caller } = call;
  for (let decisions = 0; decisions < DECISIONS_MAX; decisions++) {
    if (decisions > 0) caller = await parts.callers.read(request.headers, 'inference', true);
    let route: Route;
    try {
      route = await routeCall(parts.targets, parts.listModels, caller, asked.model);
    } catch (error) {
      if (caller.fresh || !(error instanceof OwnkeyError)) throw error;
      continue;
    }
    const exchange = prepare(parts, call, route);
    const answer = await parts.ledger.reserve(toReservation(call, caller, route));
    if (answer.outcome === 'ok') return { hold: answer.hold, route, exchange, caller };
  }
  throw new OwnkeyError('busy', {}, 'the configuration changed faster than the call could be decided');
}

function prepare(parts: GatewayParts, { wire, task, streaming, request, body, asked }: Asked, route: Route): Exchange {
  try {
    const exchange = parts.prepareExchange(
      route.target,
      {
        wire,
        task,
        body,
        ...(asked.parsed === undefined ? {} : { parsed: asked.parsed }),
        modelRange: asked.modelRange,
        stream: streaming,
        upstreamModel: route.model,
        callerModel: asked.model,
        headers: forwardable(request),
      },
      { answerBytesMax: parts.answerBytesMax },
    );
    const refused = parts.refusedAdditions.get(route.target.baseUrl);
    return (refused && exchange.withoutAddedParameters(refused)) ?? exchange;
  } catch (error) {
    if (error instanceof JsonScanError) throw new OwnkeyError('request.invalid_json', { problem: error.message });
    if (!(error instanceof UnsupportedFeature)) throw error;
    throw new OwnkeyError('request.unsupported', { param: error.param, problem: error.message });
  }
}

/** Headers a dialect may look at: versions and betas of the wires. Credentials, cookies and our own never are among them. */
function forwardable({ headers }: IncomingMessage): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string' || !/^(?:anthropic-|openai-|x-stainless-helper)/.test(name)) continue;
    if (!name.includes('key') && !name.includes('auth')) kept[name] = value;
  }
  return kept;
}

function toReservation({ wire, streaming, requestId }: Asked, caller: Caller, route: Route): Reservation {
  const { company, installation } = caller.configuration;
  return {
    id: requestId,
    companyId: company.id,
    configVersion: company.version,
    globalVersion: installation.version,
    userId: caller.userId,
    tokenId: caller.tokenId,
    actor: caller.tokenId,
    account: caller.account,
    operation: caller.operation,
    kind: 'call',
    wire,
    streaming,
    provider: route.target.provider,
    slug: route.target.slug,
    model: route.model,
    keyId: route.key.id,
    keyVersion: route.key.version,
    last4: route.key.last4,
    keySource: route.source,
    fallbackReason: null,
    reservedNanoUsd: 0n,
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
