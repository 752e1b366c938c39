import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { objectOf, parseJson, stringsOf } from './json.ts';
import { OUTCOMES } from './keys.ts';
import type { Sandbox } from './start.ts';
import { CATALOGUE, openSandbox, SandboxClient } from './test-client.ts';

const ids = readdirSync(CATALOGUE).map((file) => file.replace('.json', ''));
/** What generations answer, by outcome, where a provider says it in its own way. */
const STATUS: Record<string, Record<string, number>> = {
  invalid: { gemini: 400, xai: 400, '': 401 },
  no_credit: { openai: 429, gemini: 429, anthropic: 400, xai: 403, perplexity: 401, '': 402 },
  rate_limited: { '': 429 },
  outage: { '': 503 },
};
/** Lists that anyone may read. */
const OPEN_LISTS = ['openrouter', 'nvidia', 'perplexity'];
const WORDS: Record<string, RegExp> = {
  invalid: /key|authori[sz]|authentication|user not found/i,
  no_credit: /credit|balance|quota|funds|spending/i,
  rate_limited: /rate|too many|requests|exhausted/i,
};

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
  sandbox.control({ slow_ms: 0 });
});
afterAll(() => sandbox.close());

const listPath = (id: string): string => (id === 'perplexity' ? '/v1/models' : '/models');
const expected = (outcome: string, id: string): number => STATUS[outcome]?.[id] ?? STATUS[outcome]?.[''] ?? 200;

describe.each(ids)('keys of %s', (id) => {
  it('stand on the list of example keys, one of each outcome, in the form of the provider', () => {
    const client = new SandboxClient(sandbox, id);
    for (const outcome of OUTCOMES) expect(client.keyOf(outcome)).toMatch(new RegExp(`${outcome}-[A-Za-z0-9]{24,}$`));
    expect(new Set(Object.values(client.example.keys)).size).toBe(OUTCOMES.length);
  });

  it.each(['valid', 'restricted', 'slow'] as const)('generate: %s', async (outcome) => {
    const client = new SandboxClient(sandbox, id);
    const heard = await client.say('Hello', {}, client.keyOf(outcome));
    expect(heard.status).toBe(200);
    expect(heard.text).toContain('lighthouse');
  });

  it.each(['invalid', 'no_credit', 'rate_limited', 'outage'] as const)('refuse a generation: %s', async (outcome) => {
    const client = new SandboxClient(sandbox, id);
    const heard = await client.say('Hello', {}, client.keyOf(outcome));
    expect(heard.status).toBe(expected(outcome, id));
    expect(heard.text).toMatch(WORDS[outcome] ?? /./);
    expect(heard.text).not.toContain(client.keyOf(outcome));
  });

  it('list models or refuse to, as the outcome says', async () => {
    const client = new SandboxClient(sandbox, id);
    const statusOf = async (outcome: (typeof OUTCOMES)[number]): Promise<number> =>
      (await client.get(listPath(id), client.keyOf(outcome))).status;
    for (const outcome of ['valid', 'no_credit', 'rate_limited', 'slow', 'cut'] as const)
      expect(await statusOf(outcome)).toBe(200);
    expect(await statusOf('restricted')).toBe(403);
    expect(await statusOf('outage')).toBe(503);
    expect(await statusOf('invalid')).toBe(OPEN_LISTS.includes(id) ? 200 : expected('invalid', id));
  });

  it('list the example model', async () => {
    const client = new SandboxClient(sandbox, id);
    expect((await client.get(listPath(id))).text).toContain(client.example.model);
  });

  it.each([false, true])('break off in the middle of the answer: cut, streaming %s', async (stream) => {
    const client = new SandboxClient(sandbox, id);
    const response = await client.open(client.generationPath, client.request('Hello', { stream }), client.keyOf('cut'));
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
  });

  it('are refused without a key, with a wrong one and with another form', async () => {
    const client = new SandboxClient(sandbox, id);
    const wrong = ['', 'nonsense', client.keyOf('valid').replace('valid-', 'other-'), `x${client.keyOf('valid')}`];
    for (const clearKey of wrong) expect((await client.say('Hello', {}, clearKey)).status).toBeGreaterThanOrEqual(400);
  });

  it('are taken in any text of the documented form', async () => {
    const client = new SandboxClient(sandbox, id);
    const clearKey = client.keyOf('valid').replace(/valid-.*/, 'valid-own_text-of_24-characters');
    expect((await client.say('Hello', {}, clearKey)).status).toBe(200);
  });
});

describe.each(ids)('probe models of %s', (id) => {
  it('are all served, with room for 16 tokens', async () => {
    const entry = objectOf(parseJson(readFileSync(join(CATALOGUE, `${id}.json`), 'utf8')));
    const client = new SandboxClient(sandbox, id);
    for (const model of stringsOf(objectOf(entry.probe).models)) {
      const limit = /^(gpt-5|o\d)/.test(model) ? 'max_completion_tokens' : 'max_tokens';
      expect([model, (await client.say('Hello', { model, [limit]: 16 })).status]).toEqual([model, 200]);
    }
  });
});

describe('a catalogue provider without a profile', () => {
  it('cannot exist unnoticed: every entry has a profile of its own', () => {
    const profiles = readdirSync(new URL('../profiles', import.meta.url)).map((file) => file.replace('.json', ''));
    expect(ids.filter((id) => !profiles.includes(id))).toEqual([]);
  });
});
