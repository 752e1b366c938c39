import { type Exchange, UnsupportedFeature } from '@ownkey/contract/dialect';
import type { ProviderTarget, Wire } from '@ownkey/contract/provider';
import { DIALECTS } from '@ownkey/providers/translate/dialects';
import { upstreamWire } from '@ownkey/providers/upstream';
import type { Feature } from './features.ts';
import { Findings } from './findings.ts';
import { meaningIn, readMeaning } from './meaning.ts';
import { type Replayed, replay } from './replay.ts';
import { checkRoundTrip, plainEntry, prepare, sayable } from './retell.ts';

/** What came of one feature, at one provider, for callers of one wire. */
export type Verdict =
  | { kind: 'works' }
  /** The provider does not offer it. */
  | { kind: 'not-offered' }
  /** The caller's own wire has no word for it. */
  | { kind: 'not-in-wire' }
  | { kind: 'refused'; param: string; reason: string }
  | { kind: 'failed'; problems: string[] };

/** Where a simulated provider is found, and as whom. */
export interface Simulated {
  target: ProviderTarget;
  model: string;
  clearKey: string;
}

/** Cuts inside characters, lines and events. */
const CHUNKING = [13, 2, 700];

/** Asks for a feature, streamed and whole, and holds what the caller gets against what the provider said. */
export async function checkFeature(simulated: Simulated, caller: Wire, feature: Feature): Promise<Verdict> {
  const { entry } = simulated.target;
  if (feature.needs && !entry.abilities[feature.needs]) return { kind: 'not-offered' };
  if (feature.wires && !feature.wires.includes(caller)) return { kind: 'not-in-wire' };
  const findings = new Findings();
  const answers: Awaited<ReturnType<typeof ask>>[] = [];
  for (const stream of [true, false]) {
    const said = requestIn(caller, simulated, feature, stream);
    try {
      answers.push(await ask(simulated, caller, said, stream));
    } catch (error) {
      if (error instanceof UnsupportedFeature) return { kind: 'refused', param: error.param, reason: error.message };
      findings.lines.push(`${stream ? 'streamed' : 'whole'}: ${String(error)}`);
    }
  }
  for (const answer of answers) {
    if (feature.kind === 'answer') {
      if (!shows(feature, simulated, caller, answer)) return { kind: 'not-offered' };
      checkAnswer(findings, simulated, caller, answer);
      checkSaid(findings, feature, simulated, caller, answer);
    }
    if (feature.kind === 'error') checkError(findings, answer);
    if (feature.kind === 'broken') checkBroken(findings, answer);
  }
  if (feature.kind === 'answer') checkAlike(findings, simulated, caller, answers);
  return findings.lines.length === 0 ? { kind: 'works' } : { kind: 'failed', problems: findings.lines };
}

function requestIn(caller: Wire, { target, model }: Simulated, feature: Feature, stream: boolean): object {
  const { request, kind } = feature;
  const neutral = { ...request, model, stream, streamUsage: true };
  // Where usage is not compared the caller does not ask for it: then asking is ours, and has to be taken back if refused.
  const entry = { ...plainEntry(target.entry, caller), quirks: { effort_models: [''] } };
  return DIALECTS[caller].buildRequest(neutral, entry, kind === 'answer');
}

interface Answered {
  stream: boolean;
  answer: { status: number; headers: Record<string, string>; bytes: Buffer };
  replayed: Replayed;
  cut: Replayed;
}

/** Sends a call as the worker does: again without what we added where the provider refuses that. */
async function ask(simulated: Simulated, caller: Wire, said: object, stream: boolean): Promise<Answered> {
  let exchange = prepare(simulated.target, caller, said, simulated.model);
  let answer = await send(exchange, simulated);
  let replayed = replay(exchange, answer);
  const again = replayed.failure && exchange.withoutAddedParameters(replayed.failure);
  if (again) {
    exchange = again;
    answer = await send(exchange, simulated);
    replayed = replay(exchange, answer);
  }
  const sizes = answer.bytes.length > 100_000 ? [4096] : CHUNKING;
  return { stream, answer, replayed, cut: replay(exchange, answer, sizes) };
}

async function send({ request }: Exchange, { target, clearKey }: Simulated): Promise<Answered['answer']> {
  const { header, prefix } = target.entry.auth;
  const response = await fetch(target.baseUrl + request.path, {
    method: request.method,
    headers: { ...request.headers, [header]: prefix + clearKey },
    body: request.body.toString(),
  });
  const bytes = await response.arrayBuffer().catch(() => new ArrayBuffer(0));
  return { status: response.status, headers: Object.fromEntries(response.headers), bytes: Buffer.from(bytes) };
}

/** How a caller of a wire reads what it gets from this provider. */
function read({ target: { entry } }: Simulated, caller: Wire, bytes: Buffer, isStream: boolean) {
  const isNative = upstreamWire(entry, caller) === caller;
  const quirks = { reasoning_on_top: isNative && entry.quirks.reasoning_on_top === true };
  return readMeaning(caller, { ...plainEntry(entry, caller), quirks }, bytes, isStream);
}

/** Whether the provider, in its own wire, shows what the feature is about. */
function shows({ shows: what }: Feature, { target: { entry } }: Simulated, caller: Wire, answered: Answered): boolean {
  if (!what || answered.answer.status >= 400) return true;
  const wire = upstreamWire(entry, caller);
  const { answer } = readMeaning(wire, { ...entry, dialect: wire }, answered.answer.bytes, answered.stream);
  if (what === 'thinking') return answer.parts.some(({ type }) => type === 'thinking');
  if (what === 'cache-read') return (answer.usage?.cacheRead ?? 0) > 0;
  return (answer.usage?.cacheWrite5m ?? 0) > 0;
}

/** The scenario's own words, calls and end: what was in the data file, whatever it went through. */
function checkSaid(
  findings: Findings,
  { says }: Feature,
  simulated: Simulated,
  caller: Wire,
  answered: Answered,
): void {
  const { parts, stop } = read(simulated, caller, answered.replayed.body, answered.stream).answer;
  const text = parts.map((part) => (part.type === 'text' || part.type === 'refusal' ? part.text : '')).join('');
  if (says.text !== undefined && says.calls === 0) findings.same('text', text, says.text);
  const calls = parts.filter(({ type }) => type === 'tool-call').length;
  if (says.calls !== undefined) findings.same('calls', calls, says.calls);
  if (says.stop !== undefined) findings.same('end', stop, says.stop);
}

function checkAnswer(findings: Findings, simulated: Simulated, caller: Wire, answered: Answered): void {
  const { stream, answer, replayed, cut } = answered;
  const { entry } = simulated.target;
  const wire = upstreamWire(entry, caller);
  findings.same('failure', replayed.failure, null);
  if (replayed.failure) return;
  // Ids that a provider left out are made up anew each time, in the same length.
  findings.same('length of the answer in pieces', cut.body.length, replayed.body.length);
  findings.same('usage in pieces', cut.usage, replayed.usage);
  const before = readMeaning(wire, { ...entry, dialect: wire }, answer.bytes, stream);
  const after = read(simulated, caller, replayed.body, stream);
  findings.holds('the answer is not complete', after.isComplete);
  findings.same('meaning', meaningIn(caller, after.answer), meaningIn(caller, before.answer));
  findings.same('usage', replayed.usage?.usage ?? null, before.answer.usage);
  findings.holds('no usage', before.answer.usage !== null);
  if (wire === caller || !before.answer.usage) return;
  findings.same('usage written', after.answer.usage, sayable(before.answer.usage, caller));
  checkRoundTrip(findings, simulated.target, wire, caller, { bytes: replayed.body, isStream: stream, before });
}

/** Streaming equals non-streaming: the same parts, end and usage. */
function checkAlike(findings: Findings, simulated: Simulated, caller: Wire, answers: readonly Answered[]): void {
  const [streamed, whole] = answers.map(({ replayed, stream }) => ({
    ...meaningIn(caller, read(simulated, caller, replayed.body, stream).answer),
    usage: replayed.usage?.usage,
  }));
  findings.same('streamed against whole', withoutIds(streamed), withoutIds(whole));
}

/** Two answers have ids and signatures of their own. */
function withoutIds(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null), (name, field) =>
    name === 'id' || name === 'signature' ? undefined : field,
  );
}

function checkError(findings: Findings, { answer, replayed, cut }: Answered): void {
  findings.holds('no failure was seen', replayed.failure !== null);
  findings.same('status', replayed.head.status, answer.status);
  findings.same('failure in pieces', cut.failure, replayed.failure);
  findings.holds('the failure is unreadable', replayed.failure?.kind !== 'unreadable');
  findings.same('message', JSON.parse(replayed.body.toString()).error.message, replayed.failure?.message);
  const { 'retry-after': retryAfter } = answer.headers;
  if (retryAfter) findings.same('retry-after', replayed.head.headers['retry-after'], retryAfter);
}

/** A broken answer ends properly, or as one error. */
function checkBroken(findings: Findings, { replayed, cut }: Answered): void {
  if (replayed.failure) findings.holds('a failure with a status of success', replayed.failure.status >= 400);
  else findings.holds('an empty answer', replayed.body.length > 0);
  findings.same('failure in pieces', cut.failure?.kind, replayed.failure?.kind);
  findings.holds('cookies of the provider', replayed.head.headers['set-cookie'] === undefined);
}
