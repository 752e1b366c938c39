import type { NeutralMessage, NeutralRequest, NeutralStop } from '@ownkey/contract/neutral';
import type { CatalogueEntry, Wire } from '@ownkey/contract/provider';
import type { Scenario } from '@ownkey/sandbox/scenario';

/** One thing callers do, as a request to the sandbox: a scenario, and the ways of asking that go beyond one. */
export interface Feature {
  id: string;
  title: string;
  kind: 'answer' | 'error' | 'broken';
  request: Omit<NeutralRequest, 'model' | 'stream' | 'streamUsage'>;
  /** What the provider has to be able to do. */
  needs?: keyof CatalogueEntry['abilities'];
  /** The callers' wires that have a word for it; all, where absent. */
  wires?: readonly Wire[];
  /** What a provider that offers it has in its answer; without it, it is not offered. */
  shows?: 'thinking' | 'cache-read' | 'cache-write';
  /** What the answer has to hold, whoever tells it. */
  says: { text?: string; calls?: number; stop?: NeutralStop };
}

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const TOOLS = ['get_weather', 'get_time'].map((name) => ({
  name,
  description: 'Of a city',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
}));

const SCHEMA = { type: 'object', properties: { answer: { type: 'integer' } }, required: ['answer'] };

/** Not answers but attacks on the transport, which never hands them to a dialect: tested with the worker's egress. */
export const OF_THE_TRANSPORT: readonly string[] = ['hostile-header-bomb'];

/** Every scenario of the sandbox, then what is asked for besides. */
export function featuresOf(scenarios: ReadonlyMap<string, Scenario>): Feature[] {
  const spoken = [...scenarios.values()].filter(({ name }) => !OF_THE_TRANSPORT.includes(name));
  return spoken.map(featureOf).concat(ASKED);
}

function featureOf(scenario: Scenario): Feature {
  const { name, title } = scenario;
  const kind = scenario.hostile ? 'broken' : scenario.error ? 'error' : 'answer';
  const calls = scenario.tools === 'none' ? 0 : scenario.tools === 'one' ? 1 : TOOLS.length;
  const says = { text: (scenario.refusal ?? scenario.text).repeat(scenario.repeat), calls };
  const request = say(`sandbox:${name}`);
  const feature: Feature = { id: name, title, kind, request, says };
  if (scenario.forceThinking) feature.shows = 'thinking';
  if (scenario.cache.read > 0) feature.shows = 'cache-read';
  if (scenario.cache.write > 0) feature.shows = 'cache-write';
  if (name === 'image') {
    const source = { kind: 'base64' as const, mediaType: 'image/png', data: PIXEL };
    request.messages[0]?.parts.push({ type: 'image', source });
    feature.needs = 'images';
  }
  if (name === 'json-schema') {
    request.format = { type: 'json-schema', name: 'answer', schema: SCHEMA, strict: true };
    // Made after the schema.
    feature.says = { calls };
  }
  if (calls > 0 || /same-index|duplicate-ids|tool-arguments/.test(name)) {
    request.tools = TOOLS;
    feature.needs = 'tools';
  }
  return feature;
}

function say(text: string, more: NeutralMessage[] = []): Feature['request'] {
  return { messages: [{ role: 'user', parts: [{ type: 'text', text }] }, ...more], tools: [], maxTokens: 20_000 };
}

const TURNS: NeutralMessage[] = [
  {
    role: 'assistant',
    parts: [{ type: 'tool-call', id: 'call_00001', name: 'get_weather', arguments: '{"city":"A"}' }],
  },
  { role: 'tool', parts: [{ type: 'tool-result', callId: 'call_00001', content: [{ type: 'text', text: '11 °C' }] }] },
];

/** Ways of asking that any scenario answers. */
const ASKED: Feature[] = [
  {
    id: 'tool-results',
    says: { text: 'The tool answered: 11 °C', calls: 0, stop: 'stop' },
    title: 'Results of tools',
    kind: 'answer',
    request: { ...say('sandbox:tools', TURNS), tools: TOOLS },
    needs: 'tools',
  },
  {
    id: 'tool-choice',
    says: { calls: 1, stop: 'tool-calls' },
    title: 'A tool that has to be called',
    kind: 'answer',
    request: { ...say('Hello'), tools: TOOLS, toolChoice: { type: 'tool', name: 'get_time' } },
    needs: 'tools',
  },
  {
    id: 'system-prompt',
    says: { calls: 0, stop: 'stop' },
    title: 'System prompt',
    kind: 'answer',
    request: {
      ...say('sandbox:text'),
      messages: [
        { role: 'system', parts: [{ type: 'text', text: 'Be brief.' }] },
        { role: 'user', parts: [{ type: 'text', text: 'sandbox:text' }] },
      ],
    },
  },
  {
    id: 'token-limit',
    says: { calls: 0, stop: 'length' },
    title: 'Limit of tokens',
    kind: 'answer',
    request: { ...say('sandbox:text'), maxTokens: 16 },
  },
  {
    id: 'stop',
    says: { text: 'A lighthouse needs three things: ', calls: 0 },
    title: 'Stop sequences',
    kind: 'answer',
    request: { ...say('sandbox:text'), stop: ['height'] },
    wires: ['openai-chat', 'anthropic-messages'],
  },
  {
    id: 'sampling',
    says: { calls: 0, stop: 'stop' },
    title: 'Temperature and top_p',
    kind: 'answer',
    request: { ...say('sandbox:text'), temperature: 0.5, topP: 0.9 },
  },
  {
    id: 'top-k',
    says: { calls: 0, stop: 'stop' },
    title: 'top_k',
    kind: 'answer',
    request: { ...say('sandbox:text'), topK: 20 },
    wires: ['openai-chat', 'anthropic-messages'],
  },
  {
    id: 'seed',
    says: { calls: 0, stop: 'stop' },
    title: 'Seed',
    kind: 'answer',
    request: { ...say('sandbox:text'), seed: 7 },
    wires: ['openai-chat'],
  },
  {
    id: 'json-object',
    says: { calls: 0, stop: 'stop' },
    title: 'JSON without a schema',
    kind: 'answer',
    request: { ...say('sandbox:json-schema'), format: { type: 'json-object' } },
    wires: ['openai-chat', 'openai-responses'],
  },
  {
    id: 'effort',
    says: { calls: 0, stop: 'stop' },
    shows: 'thinking',
    title: 'Reasoning effort',
    kind: 'answer',
    request: { ...say('sandbox:reasoning'), reasoning: { effort: 'low' } },
  },
];
