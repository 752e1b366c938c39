import type { NeutralAnswer } from '@ownkey/contract/neutral';
import type { Wire } from '@ownkey/contract/provider';
import { customTarget, loadCatalogue } from '@ownkey/providers/catalogue';
import { describe, expect, test } from 'vitest';
import { Findings } from './findings.ts';
import { checkRecorded, recordedCases } from './recorded-case.ts';
import type { Recording } from './recording.ts';
import { checkRoundTrip, WIRES } from './retell.ts';
import { CATALOGUE } from './scenario-table.ts';

/** The checks themselves: each of them fails when what it looks at is not so. */
const catalogue = loadCatalogue(CATALOGUE);
const target = customTarget(catalogue, null, 'acme', 'https://endpoint.example/v1');

const recording = (answer: object, more: Partial<Recording> = {}): Recording => ({
  file: 'acme/chat-completions-text.json',
  provider: 'acme',
  endpoint: 'chat.completions',
  case: 'text',
  streaming: false,
  model: 'm-1',
  request: { method: 'POST', path: '/v1/chat/completions', headers: {}, body: { model: 'm-1', messages: [] } },
  response: { status: 200, headers: { 'content-type': 'application/json' }, body: answer },
  ...more,
});
const ANSWER = {
  id: 'a',
  object: 'chat.completion',
  model: 'm-1',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
};

describe('a recording', () => {
  test('of a provider that the catalogue does not know runs as a custom endpoint, for every wire', () => {
    const cases = recordedCases(catalogue, [recording(ANSWER)]);
    expect(cases.map(({ caller }) => caller)).toEqual(WIRES);
    for (const testCase of cases)
      expect(checkRecorded(testCase)).toEqual({ refusals: [], replayed: true, problems: [] });
  });

  test('of an endpoint that no dialect speaks is not applicable', () => {
    expect(recordedCases(catalogue, [recording(ANSWER, { endpoint: 'gemini.generateContent' })])).toEqual([]);
  });

  test('whose answer cannot be read is a problem, not a pass', () => {
    const nothing = { id: 'a', object: 'chat.completion', choices: [] };
    for (const testCase of recordedCases(catalogue, [recording(nothing)]).filter(({ caller, wire }) => caller !== wire))
      expect(checkRecorded(testCase).problems).not.toEqual([]);
  });

  test('with a field that a wire has no place for is refused by that name', () => {
    const asked = recording(ANSWER);
    asked.request.body.seed = 7;
    const refused = recordedCases(catalogue, [asked]).map((testCase) =>
      checkRecorded(testCase).refusals.map(({ param }) => param),
    );
    expect(refused).toEqual([[], ['seed'], ['seed']]);
  });
});

describe('the round trip', () => {
  const usage = { input: 3, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 1, reasoning: 0 };
  const said: NeutralAnswer = { id: 'a', model: 'm', parts: [{ type: 'text', text: 'Hi' }], stop: 'stop', usage };
  const through: Wire = 'openai-chat';
  const lines = (before: NeutralAnswer): string[] => {
    const findings = new Findings();
    checkRoundTrip(findings, target, 'anthropic-messages', through, {
      bytes: Buffer.from(JSON.stringify(ANSWER)),
      isStream: false,
      before: { answer: before, failure: null, isComplete: true },
    });
    return findings.lines;
  };

  test('of an answer that is what it was finds nothing', () => {
    expect(lines(said)).toEqual([]);
  });

  test.each<[string, Partial<NeutralAnswer>]>([
    ['text', { parts: [{ type: 'text', text: 'Ho' }] }],
    ['a call', { parts: [...said.parts, { type: 'tool-call', id: 'c', name: 'f', arguments: '{}' }] }],
    ['reasoning', { parts: [{ type: 'thinking', text: 'Hm' }, ...said.parts] }],
    ['the end', { stop: 'length' }],
    ['usage', { usage: { ...usage, cacheRead: 2 } }],
  ])('finds that %s was lost', (_, change) => {
    expect(lines({ ...said, ...change })).toHaveLength(1);
  });
});
