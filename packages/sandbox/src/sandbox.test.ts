import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sandboxBaseUrl } from './catalogue.ts';
import { type Json, type JsonObject, listOf, objectOf, parseJson } from './json.ts';
import type { Sandbox } from './start.ts';
import { at, eventsOf, openSandbox, SandboxClient } from './test-client.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});
beforeEach(() => {
  sandbox.control();
  sandbox.clear();
});
afterAll(() => sandbox.close());
const clientOf = (id: string): SandboxClient => new SandboxClient(sandbox, id);
const own = (path: string, method = 'GET', body?: Json): Promise<Response> =>
  fetch(sandbox.url + path, body === undefined ? { method } : { method, body: JSON.stringify(body) });

describe('addresses', () => {
  it('are the sandbox’s, the provider’s id and the path of its real base URL', () => {
    const entry = { id: 'groq', base_url: 'https://api.groq.com/openai/v1/' };
    expect(sandboxBaseUrl('http://127.0.0.1:8422/', entry)).toBe('http://127.0.0.1:8422/groq/openai/v1');
    expect(sandboxBaseUrl('http://127.0.0.1:8422', { id: 'a', base_url: 'https://a.example' })).toBe(
      'http://127.0.0.1:8422/a',
    );
    expect(sandbox.keys.providers.groq?.base_url).toBe(`${sandbox.url}/groq/openai/v1`);
  });

  it('that no provider has are not found, in its shape', async () => {
    expect((await clientOf('openai').post('/nothing', {})).status).toBe(404);
    expect(at((await clientOf('anthropic').post('/chat/completions', {})).json, 'type')).toBe('error');
    expect((await own('/nobody/v1/models')).status).toBe(404);
  });
});

describe('answers', () => {
  it('are the same for the same request, byte for byte, whichever key asks', async () => {
    const client = clientOf('openai');
    const [one, two] = [await client.say('Hello'), await client.say('Hello', {}, client.keyOf('restricted'))];
    expect(two.text).toBe(one.text);
    expect((await client.say('Hello!')).text).not.toBe(one.text);
    expect((await client.say('Hello', { stream: true })).text).toBe((await client.say('Hello', { stream: true })).text);
  });

  it('follow the model’s name, then the message', async () => {
    const client = clientOf('openai');
    expect((await client.say('Hello', { model: 'sandbox-error-500' })).status).toBe(500);
    expect((await client.say('sandbox:error-500')).status).toBe(500);
    expect((await client.say('What is in this picture?')).text).toContain('image shows');
    expect((await client.say('Hello', { model: 'sandbox-nothing' })).status).toBe(404);
  });

  it.each([
    ['a body that is no JSON', '{"model":'],
    ['a list', '[]'],
    ['no body', ''],
    ['no model', '{"messages":[{"role":"user","content":"a"}]}'],
    ['no messages', '{"model":"gpt-4o-mini"}'],
    ['an unknown role', '{"model":"gpt-4o-mini","messages":[{"role":"wizard","content":"a"}]}'],
    ['a negative limit', '{"model":"gpt-4o-mini","max_tokens":-1,"messages":[{"role":"user","content":"a"}]}'],
    ['a tool’s answer without id', '{"model":"gpt-4o-mini","messages":[{"role":"tool","content":"a"}]}'],
  ])('refuse with 400: %s', async (_name, body) => {
    const heard = await clientOf('openai').post('/chat/completions', body);
    expect(heard.status).toBe(400);
    expect(at(heard.json, 'error', 'type')).toBe('invalid_request_error');
  });

  it.each([
    ['max_tokens', { max_tokens: null }],
    ['messages', { messages: [] }],
    ['budget_tokens', { thinking: { type: 'enabled', budget_tokens: 10 } }],
    ['non-empty', { messages: [{ role: 'user', content: '' }] }],
    ['role', { messages: [{ role: 'system', content: 'a' }] }],
  ])('of the Messages wire name what is wrong: %s', async (word, extra) => {
    const heard = await clientOf('anthropic').say('Hello', extra);
    expect(heard.status).toBe(400);
    expect(heard.text).toContain(word);
  });

  it('of the Messages wire need a version header', async () => {
    const client = clientOf('anthropic');
    const response = await fetch(`${client.example.base_url}/messages`, {
      method: 'POST',
      headers: { 'x-api-key': client.keyOf('valid') },
      body: JSON.stringify(client.request('Hello')),
    });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('anthropic-version');
  });
});

describe('the Responses wire', () => {
  it('says the same, and counts the same, streaming and not', async () => {
    const body = { model: 'gpt-4o-mini', input: 'Hello' };
    const whole = (await clientOf('openai').post('/responses', body)).json;
    const events = eventsOf((await clientOf('openai').post('/responses', { ...body, stream: true })).text);
    const said = events
      .filter((event) => event.type === 'response.output_text.delta')
      .map((event) => event.delta)
      .join('');
    expect(said).toBe(at(whole, 'output', 0, 'content', 0, 'text'));
    const end = events.at(-1);
    expect(end?.type).toBe('response.completed');
    expect(at(end, 'response', 'usage')).toEqual(at(whole, 'usage'));
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_event, position) => position));
  });

  it('calls tools, goes on with their answers, ends incomplete at the limit, refuses limits under 16', async () => {
    const client = clientOf('openai');
    const tools = [
      {
        type: 'function',
        name: 'get_weather',
        parameters: { type: 'object', properties: { city: { type: 'string' } } },
      },
    ];
    const first = (await client.post('/responses', { model: 'gpt-4o-mini', input: 'sandbox:tools', tools })).json;
    expect(at(first, 'output', 0, 'arguments')).toBe('{"city":"Lisbon"}');
    const input = [
      { role: 'user', content: 'sandbox:tools' },
      objectOf(at(first, 'output', 0)),
      { type: 'function_call_output', call_id: at(first, 'output', 0, 'call_id') ?? '', output: '21 degrees' },
    ];
    const second = (await client.post('/responses', { model: 'gpt-4o-mini', input, tools })).json;
    expect(at(second, 'output', 0, 'content', 0, 'text')).toBe('The tool answered: 21 degrees');
    const limited = (await client.post('/responses', { model: 'gpt-4o-mini', input: 'Hello', max_output_tokens: 16 }))
      .json;
    expect([at(limited, 'status'), at(limited, 'usage', 'output_tokens')]).toEqual(['incomplete', 16]);
    expect(
      (await client.post('/responses', { model: 'gpt-4o-mini', input: 'Hello', max_output_tokens: 15 })).status,
    ).toBe(400);
  });
});

describe('the Responses wire’s memory', () => {
  it('knows responses it was told to store, and no others', async () => {
    const client = clientOf('openai');
    const ask = async (extra: JsonObject): Promise<{ status: number; id: string }> => {
      const heard = await client.post('/responses', { model: 'gpt-4o-mini', input: 'Hello', ...extra });
      return { status: heard.status, id: String(at(heard.json, 'id')) };
    };
    const stored = await ask({});
    expect((await ask({ previous_response_id: stored.id })).status).toBe(200);
    const dropped = await ask({ store: false });
    expect((await ask({ previous_response_id: dropped.id })).status).toBe(400);
  });
});

describe('rate limits', () => {
  it('say when to come back as the provider does, or as set', async () => {
    const after = async (id: string): Promise<string | null> =>
      (await clientOf(id).say('Hello', {}, clientOf(id).keyOf('rate_limited'))).headers.get('retry-after');
    expect([await after('groq'), await after('openai')]).toEqual(['1', null]);
    sandbox.control({ retry_after: 30 });
    expect([await after('groq'), await after('openai')]).toEqual(['30', '30']);
  });
});

describe('embeddings', () => {
  const embed = async (extra: JsonObject): Promise<Json | undefined> =>
    (await clientOf('openai').post('/embeddings', { model: 'text-embedding-3-small', ...extra })).json;

  it('are the same as floats and as base64, of the length asked for, one for each input', async () => {
    const vector = listOf(at(await embed({ input: 'Hello', dimensions: 8 }), 'data', 0, 'embedding')).map(Number);
    const base64 = at(
      await embed({ input: 'Hello', dimensions: 8, encoding_format: 'base64' }),
      'data',
      0,
      'embedding',
    );
    const bytes = Buffer.from(String(base64), 'base64');
    expect(vector.map((_value, position) => bytes.readFloatLE(position * 4))).toEqual(vector);
    expect(listOf(at(await embed({ input: ['a', 'b', [1, 2, 3]] }), 'data'))).toHaveLength(3);
    expect(at(await embed({ input: [1, 2, 3] }), 'usage', 'prompt_tokens')).toBe(3);
    expect(listOf(at(await embed({ input: 'a' }), 'data', 0, 'embedding'))).toHaveLength(1536);
  });

  it.each([{ input: '' }, {}, { input: [] }, { input: 'a', dimensions: 9999 }])('are refused for %j', async (extra) => {
    expect(at(await embed(extra), 'error', 'type')).toBe('invalid_request_error');
  });
});

describe('the record of calls', () => {
  it('names provider, path, model, last four, usage and headers, and never the key', async () => {
    const client = clientOf('anthropic');
    await client.say('Hello');
    const answered = await (await own('/_calls')).text();
    const [call] = listOf(at(parseJson(answered), 'data')).map(objectOf);
    expect(call).toMatchObject({
      provider: 'anthropic',
      path: '/messages',
      model: client.example.model,
      last4: client.keyOf('valid').slice(-4),
      status: 200,
      stream: false,
      aborted: false,
      usage: { input: 2, cacheRead: 0 },
    });
    expect(listOf(call?.headers)).toContain('x-api-key');
    expect(answered).not.toContain(client.keyOf('valid').slice(-20));
    await own('/_calls', 'DELETE');
    expect(sandbox.calls()).toEqual([]);
  });

  it('has refused calls too', async () => {
    await clientOf('openai').say('Hello', {}, 'nonsense');
    expect(sandbox.calls()[0]).toMatchObject({ status: 401, usage: null, last4: null });
  });
});

describe('settings', () => {
  it('cut answers into writes of any size without changing them', async () => {
    const client = clientOf('openai');
    const whole = (await client.say('sandbox:unicode', { stream: true })).text;
    for (const chunk_bytes of [1, 7, 1000]) {
      sandbox.control({ chunk_bytes });
      expect((await client.say('sandbox:unicode', { stream: true })).text).toBe(whole);
    }
    sandbox.control({ chunk_bytes: 0, split_at: 100 });
    expect((await client.say('sandbox:unicode', { stream: true })).text).toBe(whole);
  });

  it('hold the first byte of slow keys, and streams after some chunks, until released', async () => {
    const client = clientOf('openai');
    sandbox.control({ slow_ms: 0, hold_first_byte: true, hold_after_chunks: 2 });
    const held = client.open(client.generationPath, client.request('Hello', { stream: true }), client.keyOf('slow'));
    await expect.poll(() => sandbox.calls()).toHaveLength(1);
    expect(sandbox.calls()[0]?.status).toBeNull();
    sandbox.control({ hold_first_byte: false });
    const response = await held;
    const reader = response.body?.getReader();
    await reader?.read();
    expect(sandbox.calls()[0]?.finished).toBe(false);
    sandbox.control({ hold_after_chunks: null });
    let read = await reader?.read();
    while (read && !read.done) read = await reader?.read();
    expect(sandbox.calls()[0]).toMatchObject({ finished: true, aborted: false });
  });

  it('give a provider, or one key, another outcome', async () => {
    const client = clientOf('mistral');
    sandbox.control({ outcomes: { mistral: 'outage' } });
    expect((await client.say('Hello')).status).toBe(503);
    sandbox.control({ outcomes: { [`mistral:${client.keyOf('valid').slice(-4)}`]: 'invalid' } });
    expect((await client.say('Hello')).status).toBe(401);
    sandbox.control();
    expect((await client.say('Hello')).status).toBe(200);
  });

  it('are changed over HTTP; what is wrong is refused and changes nothing', async () => {
    expect((await own('/_control', 'PUT', { cut_after_chunks: 9 })).status).toBe(200);
    for (const wrong of [{ slow: 1 }, { slow_ms: -1 }, { slow_ms: '1' }, { outcomes: { openai: 'odd' } }, []])
      expect((await own('/_control', 'PUT', wrong)).status).toBe(400);
    expect(at(parseJson(await (await own('/_control')).text()), 'cut_after_chunks')).toBe(9);
    await own('/_control', 'DELETE');
    expect(at(parseJson(await (await own('/_control')).text()), 'cut_after_chunks')).toBe(4);
  });
});

describe('the page', () => {
  it('shows every key with a copy button, every scenario, and allows only its own script', async () => {
    const response = await own('/');
    const html = await response.text();
    for (const { keys } of Object.values({ ...sandbox.keys.providers, ...sandbox.keys.custom }))
      for (const key of Object.values(keys)) expect(html).toContain(key);
    expect(html).toContain('hostile-same-index');
    expect(html.match(/<button/g)?.length).toBe(13 * 8);
    expect(response.headers.get('content-security-policy')).toMatch(/default-src 'none'.*script-src 'sha256-/);
  });

  it('gives the same keys as JSON', async () => {
    expect(parseJson(await (await own('/_keys')).text())).toEqual(sandbox.keys);
  });
});

describe('the post box', () => {
  it('keeps mails newest first and shows them as text', async () => {
    expect((await own('/_mail', 'POST', { to: 'a@example.com', subject: 'One', text: '<b>hi</b>' })).status).toBe(201);
    expect((await own('/_mail', 'POST', { to: ['b@example.com'], subject: 'Two', text: 'b' })).status).toBe(201);
    expect((await own('/_mail', 'POST', { subject: 'None' })).status).toBe(400);
    const mails = listOf(at(parseJson(await (await own('/_mail')).text()), 'data'));
    expect(mails.map((mail) => at(mail, 'subject'))).toEqual(['Two', 'One']);
    const html = await (await fetch(`${sandbox.url}/_mail`, { headers: { accept: 'text/html' } })).text();
    expect(html).toContain('&lt;b&gt;hi&lt;/b&gt;');
    await own('/_mail', 'DELETE');
    expect(parseJson(await (await own('/_mail')).text())).toEqual({ data: [] });
  });
});
