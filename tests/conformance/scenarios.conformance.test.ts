import { join } from 'node:path';
import type { Exchange } from '@ownkey/contract/dialect';
import type { Wire } from '@ownkey/contract/provider';
import { readBody } from '@ownkey/policy/read-body';
import { loadCatalogue, targetFor } from '@ownkey/providers/catalogue';
import { prepareExchange } from '@ownkey/providers/exchange';
import { DIALECTS } from '@ownkey/providers/translate/dialects';
import { describe, expect, test } from 'vitest';
import { useSandbox } from '../kit/sandbox.ts';
import { meaningIn, readMeaning } from './meaning.ts';
import { replay } from './replay.ts';

/** Every catalogue entry, through every caller's wire, over the simulated providers. */
const catalogue = loadCatalogue(join(import.meta.dirname, '../../catalogue'));
const WIRES: readonly Wire[] = ['openai-chat', 'anthropic-messages', 'openai-responses'];
const pairs = [...catalogue.entries.keys()].flatMap((id) => WIRES.map((caller) => ({ id, caller })));
const TOOLS = ['get_weather', 'get_time'].map((name) => ({
  name,
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
}));
/** Cut at every byte, inside characters, and in large pieces. */
const CHUNKINGS = [[1], [13, 2, 700]];

const sandbox = useSandbox();

interface Ask {
  id: string;
  caller: Wire;
  scenario: string;
  stream: boolean;
  tools?: boolean;
  key?: 'valid' | 'invalid' | 'rate_limited' | 'no_credit' | 'restricted' | 'outage';
}

/** Sends a call as the worker would, and reads its answer in several chunkings. */
async function ask({ id, caller, scenario, stream, tools = false, key = 'valid' }: Ask) {
  const known = sandbox().keys.providers[id]!;
  const target = targetFor(catalogue.entries.get(id)!, known.base_url);
  const neutral = {
    model: 'x',
    messages: [{ role: 'user' as const, parts: [{ type: 'text' as const, text: `sandbox:${scenario}` }] }],
    tools: tools ? TOOLS : [],
    stream,
    streamUsage: true,
    maxTokens: 2_000,
  };
  const said = DIALECTS[caller].buildRequest(neutral, { ...target.entry, dialect: caller, quirks: {} }, false);
  const body = Buffer.from(JSON.stringify({ ...said, model: `${id}/${known.model}` }));
  const { modelRange } = readBody(body, caller);
  const exchange = prepareExchange(
    target,
    {
      wire: caller,
      body,
      modelRange,
      stream,
      upstreamModel: known.model,
      callerModel: `${id}/${known.model}`,
      headers: {},
    },
    { answerBytesMax: 4_000_000 },
  );
  const answer = await send(exchange, target.baseUrl, {
    [target.entry.auth.header]: target.entry.auth.prefix + known.keys[key],
  });
  const whole = replay(exchange, answer);
  for (const sizes of answer.bytes.length > 100_000 ? [[4096]] : CHUNKINGS) {
    // Ids that a provider left out are made up anew each time.
    const cut = replay(exchange, answer, sizes);
    expect(cut.failure?.kind).toBe(whole.failure?.kind);
    expect(cut.usage).toEqual(whole.usage);
    expect(cut.body.length).toBe(whole.body.length);
  }
  return { ...whole, exchange, answer, entry: target.entry };
}

async function send({ request }: Exchange, baseUrl: string, auth: Record<string, string>) {
  const response = await fetch(baseUrl + request.path, {
    method: request.method,
    headers: { ...request.headers, ...auth },
    body: request.body.toString(),
  });
  const headers = Object.fromEntries(response.headers);
  return {
    status: response.status,
    headers,
    bytes: Buffer.from(await response.arrayBuffer().catch(() => new ArrayBuffer(0))),
  };
}

async function meaningOf(asked: Ask) {
  const { body, failure, usage, entry } = await ask(asked);
  expect(failure).toBeNull();
  const read = readMeaning(
    asked.caller,
    {
      ...entry,
      dialect: asked.caller,
      quirks: { reasoning_on_top: entry.quirks.reasoning_on_top === true && asked.caller === entry.dialect },
    },
    body,
    asked.stream,
  );
  expect(read.isComplete).toBe(true);
  return { ...meaningIn(asked.caller, read.answer), usage: usage?.usage ?? null };
}

describe.each(pairs)('$id for a caller of $caller', ({ id, caller }) => {
  const { abilities } = catalogue.entries.get(id)!;

  test('text, streamed as whole', async () => {
    const streamed = await meaningOf({ id, caller, scenario: 'text', stream: true });
    const whole = await meaningOf({ id, caller, scenario: 'text', stream: false });
    expect(JSON.stringify(streamed.parts)).toContain('Grüße aus dem Leuchtturm 🌊.');
    expect(streamed.parts).toEqual(whole.parts);
    expect([streamed.stop, whole.stop]).toEqual(['stop', 'stop']);
    expect(streamed.usage?.output).toBeGreaterThan(0);
    expect(streamed.usage).toEqual(whole.usage);
  });

  const testTools = abilities.tools ? test : () => {};
  testTools('tool calls, streamed as whole', async () => {
    for (const stream of [true, false]) {
      const { parts, stop } = await meaningOf({ id, caller, scenario: 'parallel-tools', stream, tools: true });
      const calls = parts.filter((part) => (part as { type: string }).type === 'tool-call') as {
        id: string;
        name: string;
        input: object;
      }[];
      expect(calls.map(({ name }) => name)).toEqual(TOOLS.map(({ name }) => name));
      for (const call of calls) expect(Object.keys(call.input)).toEqual(['city']);
      expect(new Set(calls.map((call) => call.id)).size).toBe(2);
      expect(stop).toBe('tool-calls');
    }
  });

  test.each([
    ['invalid', 'key_rejected'],
    ['rate_limited', 'rate_limited'],
    ['no_credit', 'no_credit'],
    ['outage', 'outage'],
  ] as const)('a key with the outcome %s is told apart', async (key, kind) => {
    const { failure, head, answer, body } = await ask({ id, caller, scenario: 'text', stream: true, key });
    expect(failure?.kind).toBe(kind);
    expect(head.status).toBe(answer.status);
    expect(JSON.parse(body.toString()).error.message).toBe(failure?.message);
  });

  test('a stream that is cut ends as an error of the wire', async () => {
    const { exchange, answer } = await ask({ id, caller, scenario: 'text', stream: true });
    const cut = replay(exchange, answer, [64], Math.floor(answer.bytes.length / 2));
    expect(cut.body.toString()).toMatch(/"message":"It broke\."/);
  });
});

const HOSTILE = [
  'same-index',
  'missing-end',
  'error-in-stream',
  'unknown-events',
  'no-usage',
  'usage',
  'html',
  'gzip',
  'half-json',
  'two-starts',
  'duplicate-ids',
  'tool-arguments',
  'empty-body',
];
const SOME = ['openai', 'anthropic', 'gemini', 'mistral'];

describe.each(SOME.flatMap((id) => WIRES.map((caller) => ({ id, caller }))))(
  'hostile answers of $id for $caller',
  ({ id, caller }) => {
    test.each(HOSTILE)('%s ends properly or as one error', async (scenario) => {
      for (const stream of [true, false]) {
        const { failure, body, head } = await ask({ id, caller, scenario: `hostile-${scenario}`, stream, tools: true });
        if (failure) expect(failure.status).toBeGreaterThanOrEqual(400);
        else expect(body.length).toBeGreaterThan(0);
        expect(head.headers).not.toHaveProperty('set-cookie');
      }
    });
  },
);
