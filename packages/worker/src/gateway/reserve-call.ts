import type { IncomingMessage } from 'node:http';
import {
  type Exchange,
  type PrepareExchange,
  type ProviderFailure,
  type Task,
  UnsupportedFeature,
} from '@ownkey/contract/dialect';
import { OwnkeyError } from '@ownkey/contract/errors';
import { JsonScanError } from '@ownkey/contract/json-scan';
import type { Wire } from '@ownkey/contract/provider';
import { tokensWithin } from '@ownkey/policy/bound-cost';
import type { CallBody } from '@ownkey/policy/read-body';
import type { RequestFeatures } from '@ownkey/policy/request-features';
import type { Caller, CallerReader } from '../access/caller.ts';
import type { KeyHealth } from '../health/key-health.ts';
import type { Hold, Ledger, Reservation, Settlement } from '../ledger/ledger.ts';
import { isCapped, planSpend, type SpendPlan } from '../spend/plan-spend.ts';
import { refusalError } from '../spend/refusal.ts';
import { type Attempt, routeOfAttempt } from './attempt.ts';
import { withAnswerLimit } from './limit-answer.ts';
import { Rest } from './rest.ts';
import { type ListModels, type Route, routeCall } from './route.ts';
import type { Targets } from './targets.ts';

export interface ReserveParts {
  callers: CallerReader;
  ledger: Ledger;
  targets: Targets;
  listModels: ListModels;
  /** The most a model answers with, where its provider or the catalogue says. */
  modelMaxTokens: (route: Route) => number | null;
  prepareExchange: PrepareExchange;
  answerBytesMax: number;
  /** A provider's earlier refusal of what we add to requests, by base URL. */
  refusedAdditions: ReadonlyMap<string, ProviderFailure>;
  health: KeyHealth;
  now: () => number;
}

/** One call as it came in. */
export interface Asked {
  wire: Wire;
  task: Task;
  streaming: boolean;
  request: IncomingMessage;
  body: Buffer;
  asked: CallBody;
  features: RequestFeatures;
  caller: Caller;
  requestId: string;
  attempt: Attempt;
}

/** A call whose reservation stands. */
export interface ReservedCall {
  hold: Hold;
  route: Route;
  exchange: Exchange;
  caller: Caller;
  spend: SpendPlan;
  /** The limit of the answer that was sent although the caller stated none; null = none was. */
  sentMaxTokens: number | null;
  /** As it was carried out: a call whose own key rests is a fallback from its start. */
  attempt: Attempt;
  /** The own key is tried although it rests, because the platform's may not answer. */
  fallbackRefused: boolean;
}

/** How often a call is decided again while the configuration moves under it. */
const DECISIONS_MAX = 8;

/**
 * Decides and reserves. A refusal that rests on memory is decided again on a fresh configuration before it counts; a reservation
 * that the database says rests on an older configuration, too. A refusal by the ledger counts at once: it compared the versions.
 * An own key that is known to fail is left out where the platform's may answer; where that is refused, the own one is tried.
 * @throws OwnkeyError of routing, of money and plans, busy, ledger.unavailable
 */
export async function reserveCall(parts: ReserveParts, call: Asked): Promise<ReservedCall> {
  const { asked, request } = call;
  const rest = new Rest(parts.health);
  let { caller } = call;
  for (let decisions = 0; decisions < DECISIONS_MAX; decisions++) {
    if (decisions > 0) caller = await parts.callers.read(request.headers, 'inference', true);
    let attempt = call.attempt;
    let route: Route;
    let exchange: Exchange;
    let spend: SpendPlan;
    try {
      const decided = await routeCall(parts.targets, parts.listModels, caller, asked.model);
      attempt = rest.attemptOn(call.attempt, decided);
      route = routeOfAttempt(parts.targets, attempt, decided);
      // What the provider cannot do at all is told before what it would cost.
      exchange = prepare(parts, call, route);
      spend = planOf(parts, { ...call, attempt }, caller, route);
    } catch (error) {
      if (!(error instanceof OwnkeyError)) throw error;
      if (attempt !== call.attempt) rest.refuse();
      else if (caller.fresh) throw error;
      continue;
    }
    const answer = await parts.ledger.reserve(toReservation({ ...call, attempt }, caller, route, spend));
    if (answer.outcome === 'refused') {
      if (attempt !== call.attempt) {
        rest.refuse();
        continue;
      }
      const { company, installation } = caller.configuration;
      const plan = installation.plans.get(company.planId);
      throw refusalError(answer.refusal, {
        cost: spend.bound?.worst ?? 0n,
        userId: caller.userId,
        byok: plan?.byok ?? false,
        upgradeUrl: plan?.upgradeUrl ?? null,
      });
    }
    if (answer.outcome !== 'ok') continue;
    const sentMaxTokens = limitToSend(spend, answer.hold);
    const limited =
      sentMaxTokens === null ? exchange : await limitAnswer(parts, call, route, answer.hold, sentMaxTokens);
    const { fallbackRefused } = rest;
    return { hold: answer.hold, route, exchange: limited, caller, spend, sentMaxTokens, attempt, fallbackRefused };
  }
  throw new OwnkeyError('busy', {}, 'the configuration changed faster than the call could be decided');
}

function planOf(parts: ReserveParts, call: Asked, caller: Caller, route: Route): SpendPlan {
  const { asked, task, features } = call;
  return planSpend({
    configuration: caller.configuration,
    userId: caller.userId,
    token: caller.token,
    source: route.source,
    fallback: call.attempt.kind === 'fallback',
    slug: route.target.slug,
    modelName: route.callerModel,
    model: route.model,
    body:
      task === 'count-tokens'
        ? null
        : {
            provider: route.target.provider,
            bodyBytes: call.body.length,
            features,
            generates: task === 'answer',
            maxTokens: asked.maxTokens,
            modelMaxTokens: parts.modelMaxTokens(route),
            choices: asked.choices,
          },
    now: parts.now(),
  });
}

/** Under a cap the bound has to hold: a limit that nobody stated is sent where it is not the model's own. */
function limitToSend(spend: SpendPlan, hold: Hold): number | null {
  const { bound } = spend;
  if (bound === null || bound.least === null || !isCapped(spend)) return null;
  const tokens = tokensWithin(bound, hold.grantedNanoUsd);
  return bound.limitMustBeSent || tokens < bound.maxTokens ? tokens : null;
}

/** The same call with a limit. What cannot be sent with one is given back and refused. */
async function limitAnswer(
  parts: ReserveParts,
  call: Asked,
  route: Route,
  hold: Hold,
  maxTokens: number,
): Promise<Exchange> {
  try {
    return prepare(parts, { ...call, ...withAnswerLimit(call.wire, call.body, call.asked, maxTokens) }, route);
  } catch (error) {
    await parts.ledger.settle(hold, NOTHING_SENT);
    throw error;
  }
}

const NOTHING_SENT: Settlement = {
  state: 'released',
  httpStatus: 400,
  errorCode: 'request.unsupported',
  providerRequestId: null,
  usage: null,
  basis: null,
  costNanoUsd: null,
  priceId: null,
  latencyMs: 0,
  ttfbMs: null,
};

function prepare(parts: ReserveParts, { wire, task, streaming, request, body, asked }: Asked, route: Route): Exchange {
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
        callerModel: route.callerModel,
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

function toReservation(
  { wire, streaming, requestId, attempt }: Asked,
  caller: Caller,
  route: Route,
  { price, bound, limits }: SpendPlan,
): Reservation {
  const { company, installation } = caller.configuration;
  return {
    id: requestId,
    companyId: company.id,
    configVersion: company.version,
    globalVersion: installation.version,
    userId: caller.userId,
    tokenId: caller.token.id,
    actor: caller.token.id,
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
    fallback:
      attempt.kind === 'fallback' ? { reason: attempt.reason, keyId: attempt.own.id, afterId: attempt.afterId } : null,
    priceId: price?.id ?? null,
    reservedNanoUsd: bound?.worst ?? 0n,
    leastNanoUsd: bound?.least ?? null,
    limits,
  };
}
