import type { CatalogueEntry, ProviderTarget, Wire } from '@ownkey/contract/provider';
import type { Usage } from '@ownkey/contract/usage';
import { readBody } from '@ownkey/policy/read-body';
import { prepareExchange } from '@ownkey/providers/exchange';
import { DIALECTS } from '@ownkey/providers/translate/dialects';
import type { Findings } from './findings.ts';
import { meaningIn, readMeaning } from './meaning.ts';
import { replay } from './replay.ts';

export const WIRES: readonly Wire[] = ['openai-chat', 'anthropic-messages', 'openai-responses'];
export const LIMITS = { answerBytesMax: 64 * 1024 * 1024 };

/** An entry that speaks this one wire, and nothing in a way of its own. */
export function plainEntry(entry: CatalogueEntry, wire: Wire): CatalogueEntry {
  return {
    ...entry,
    dialect: wire,
    quirks: {},
    abilities: { ...entry.abilities, responses: wire === 'openai-responses' },
  };
}

/** The call that a caller's request becomes. Throws UnsupportedFeature. */
export function prepare(target: ProviderTarget, caller: Wire, said: object, upstreamModel: string) {
  const body = Buffer.from(JSON.stringify({ ...said, model: 'some/model' }));
  const { modelRange, stream } = readBody(body, caller);
  return prepareExchange(
    target,
    { wire: caller, body, modelRange, stream, upstreamModel, callerModel: 'some/model', headers: {} },
    LIMITS,
  );
}

/** Reads an answer of wire B as a caller of wire A gets it, and holds its meaning against what A said first. */
export function checkRoundTrip(
  findings: Findings,
  target: ProviderTarget,
  from: Wire,
  through: Wire,
  said: { bytes: Buffer; isStream: boolean; before: ReturnType<typeof readMeaning> },
): void {
  const neutral = {
    model: 'x',
    messages: [{ role: 'user' as const, parts: [{ type: 'text' as const, text: 'Hi' }] }],
    tools: [],
    stream: said.isStream,
    streamUsage: true,
    maxTokens: 100,
  };
  const request = DIALECTS[from].buildRequest(neutral, plainEntry(target.entry, from), true);
  const back = prepare({ ...target, entry: plainEntry(target.entry, through) }, from, request, 'x');
  const headers = { 'content-type': said.isStream ? 'text/event-stream' : 'application/json' };
  const { body } = replay(back, { status: 200, headers, bytes: said.bytes });
  const after = readMeaning(from, plainEntry(target.entry, from), body, said.isStream);
  findings.same('after a round trip', meaningIn(through, after.answer), meaningIn(through, said.before.answer));
  if (said.before.answer.usage)
    findings.same(
      'usage after a round trip',
      after.answer.usage && sayable(after.answer.usage, through),
      sayable(sayable(said.before.answer.usage, through), from),
    );
}

/** What the wire has a place for: no wire writes a provider's own price, chat and responses know one kind of cache write. */
export function sayable(usage: Usage, wire: Wire): Usage {
  const { providerCostUsd: _, ...rest } = usage;
  if (wire === 'anthropic-messages') return rest;
  return { ...rest, cacheWrite5m: rest.cacheWrite5m + rest.cacheWrite1h, cacheWrite1h: 0 };
}
