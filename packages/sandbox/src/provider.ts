/** One simulated provider: takes a request below its base path and makes the reply. No socket here. */
import { fillId } from './answer.ts';
import { BadRequest } from './ask.ts';
import { readMessagesRequest } from './ask-messages.ts';
import type { SandboxCall } from './calls.ts';
import type { SandboxEntry } from './catalogue.ts';
import type { ControlSettings } from './control.ts';
import { embeddingsAnswer } from './embeddings-wire.ts';
import { type Endpoint, findEndpoint, isGeneration } from './endpoints.ts';
import { failureReply, Refusal } from './failures.ts';
import { generate, modelFor } from './generate.ts';
import { isJsonObject, type Json, type JsonObject, objectOf, parseJson, textOf } from './json.ts';
import { maskKey, type Outcome, outcomeOf } from './keys.ts';
import { Mint, seedOf } from './mint.ts';
import { findModel, modelItem, modelList } from './models-wire.ts';
import type { Profile } from './profile.ts';
import { bodyReply, type Reply } from './reply.ts';
import type { Scenario } from './scenario.ts';
import type { StoredResponses } from './stored-responses.ts';
import { fillObject, fillString } from './template.ts';

export interface SimulatedProvider {
  entry: SandboxEntry;
  profile: Profile;
  basePath: string;
  stored: StoredResponses;
}

export interface ProviderRequest {
  method: string;
  /** Below the provider's base path, without a query. */
  path: string;
  headers: Readonly<Record<string, string>>;
  /** null when it was longer than the sandbox takes. */
  body: Buffer | null;
  clearKey: string;
}

/** Makes the reply and notes in `call` what it was about. Never throws for anything a caller can send. */
export function answerRequest(
  provider: SimulatedProvider,
  request: ProviderRequest,
  scenarios: ReadonlyMap<string, Scenario>,
  settings: Readonly<ControlSettings>,
  call: SandboxCall,
): { reply: Reply; outcome: Outcome | null } {
  const { profile, entry } = provider;
  const mint = new Mint(seedOf(entry.id, request.method, request.path, request.body ?? ''));
  const requestId = fillId(profile.ids.request, mint);
  const endpoint = findEndpoint(profile, request.method, request.path);
  const outcome = outcomeFor(provider, request.clearKey, settings, call.last4);
  const context = {
    profile,
    endpoint: endpoint?.name ?? '',
    model: '',
    maskedKey: maskKey(request.clearKey),
    keyEnd: `****${call.last4 ?? ''}`,
    requestId,
    mint,
  };
  try {
    if (!endpoint) throw new Refusal('not_found', `Not found: ${request.method} ${request.path}`);
    const parsed = isWrite(endpoint) ? parseJson(request.body?.toString('utf8') ?? '') : {};
    context.model = textOf(objectOf(parsed).model);
    call.model = context.model || null;
    admit(provider, endpoint, request.clearKey, outcome, settings);
    const body = checkBody(request.body, parsed);
    const headers = headersOf(profile, requestId, context.model, mint);
    const { reply, scenario } = reach({
      provider,
      endpoint,
      body,
      request,
      scenarios,
      settings,
      mint,
      headers,
      outcome,
    });
    call.scenario = scenario?.name ?? null;
    call.usage = reply.usage;
    return { reply, outcome: isGeneration(endpoint.name) ? outcome : null };
  } catch (error) {
    if (error instanceof Refusal) return { reply: failureReply(error, context), outcome: null };
    if (error instanceof BadRequest) {
      const refusal = new Refusal(error.kind, error.message, { param: error.param });
      return { reply: failureReply(refusal, context), outcome: null };
    }
    throw error;
  }
}

function outcomeFor(
  { entry, profile }: SimulatedProvider,
  clearKey: string,
  settings: Readonly<ControlSettings>,
  last4: string | null,
): Outcome | null {
  const own = outcomeOf(entry.key, clearKey) ?? (profile.openToAll ? 'valid' : null);
  if (own === null) return null;
  return settings.outcomes[`${entry.id}:${last4}`] ?? settings.outcomes[entry.id] ?? own;
}

/** Throws Refusal where the key does not get through. */
function admit(
  { profile }: SimulatedProvider,
  endpoint: Endpoint,
  clearKey: string,
  outcome: Outcome | null,
  settings: Readonly<ControlSettings>,
): void {
  const listing = endpoint.name === 'models' || endpoint.name === 'model';
  if (outcome === 'outage') throw new Refusal('outage', 'The service is temporarily unavailable.');
  if (outcome === null || outcome === 'invalid') {
    if (listing && profile.modelList?.open) return;
    if (clearKey === '' && !profile.openToAll) throw new Refusal('missing_key', 'No API key was given.');
    throw new Refusal('invalid_key', 'The API key is not valid.');
  }
  if (outcome === 'restricted' && (listing || endpoint.name === 'key_info'))
    throw new Refusal('restricted', 'The key lacks a permission.');
  if (!isGeneration(endpoint.name)) return;
  if (outcome === 'rate_limited')
    throw new Refusal('rate_limited', 'Rate limit reached.', { retryAfter: settings.retry_after });
  if (outcome === 'no_credit') throw new Refusal('no_credit', 'There is no credit left.');
}

function isWrite(endpoint: Endpoint): boolean {
  return isGeneration(endpoint.name) || endpoint.name === 'count_tokens';
}

function checkBody(body: Buffer | null, parsed: Json | undefined): JsonObject {
  if (body === null) throw new Refusal('too_large', 'Request body is too large.');
  if (!isJsonObject(parsed))
    throw new BadRequest('', 'We could not parse the JSON body of your request. The body has to be a JSON object.');
  return parsed;
}

function headersOf(profile: Profile, requestId: string, model: string, mint: Mint): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(profile.headers))
    headers[name] = fillString(value, { request_id: requestId, model }, mint);
  return headers;
}

interface Reached {
  provider: SimulatedProvider;
  endpoint: Endpoint;
  body: JsonObject;
  request: ProviderRequest;
  scenarios: ReadonlyMap<string, Scenario>;
  settings: Readonly<ControlSettings>;
  mint: Mint;
  headers: Record<string, string>;
  outcome: Outcome | null;
}

/** Runs the endpoint; throws Refusal and BadRequest. */
function reach(reached: Reached): { reply: Reply; scenario: Scenario | null } {
  const { provider, endpoint, body, request, scenarios, settings, mint, headers } = reached;
  const { profile } = provider;
  const json = (content: Json): { reply: Reply; scenario: null } => ({
    reply: bodyReply(200, { 'content-type': profile.jsonType, ...headers }, JSON.stringify(content)),
    scenario: null,
  });
  switch (endpoint.name) {
    case 'models':
      return json(modelList(profile, mint));
    case 'model': {
      const model = findModel(profile, endpoint.id);
      if (!model) throw new Refusal('model_not_found', `The model \`${endpoint.id}\` does not exist.`);
      return json(modelItem(profile, model, mint));
    }
    case 'key_info': {
      const values = { label: maskKey(request.clearKey), limit_remaining: reached.outcome === 'no_credit' ? 0 : 100 };
      return json(fillObject(profile.keyInfo?.body ?? {}, values, mint));
    }
    case 'count_tokens': {
      checkVersion(request);
      const ask = readMessagesRequest(body, true);
      modelFor(profile, ask.model, scenarios);
      return json({ input_tokens: ask.inputTokens });
    }
    case 'embeddings': {
      const model = findModel(profile, textOf(body.model));
      if (model?.kind !== 'embedding')
        throw new Refusal(
          'model_not_found',
          `The model \`${textOf(body.model)}\` does not exist or you do not have access to it.`,
        );
      const made = embeddingsAnswer(profile, model, body, mint);
      const answered = json(made?.body ?? null);
      return { ...answered, reply: { ...answered.reply, usage: made?.usage ?? null } };
    }
    default:
      if (endpoint.name === 'messages') checkVersion(request);
      return generate({
        profile,
        wire: endpoint.name,
        body,
        scenarios,
        settings,
        mint,
        headers,
        clearKey: request.clearKey,
        stored: provider.stored,
      });
  }
}

/** Reference: https://docs.claude.com/en/api/versioning */
function checkVersion(request: ProviderRequest): void {
  if (!request.headers['anthropic-version'])
    throw new BadRequest('anthropic-version', 'anthropic-version: header is required');
}
