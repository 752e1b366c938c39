import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type JsonObject, objectsOf } from './json.ts';
import type { Sandbox } from './start.ts';
import { at, eventsOf, type Heard, openSandbox, SandboxClient } from './test-client.ts';

const parameters: JsonObject = { type: 'object', properties: { city: { type: 'string' } } };
const tools = ['get_weather', 'get_time'].map((name) => ({ type: 'function', function: { name, parameters } }));
const claudeTools = ['get_weather', 'get_time'].map((name) => ({ name, input_schema: parameters }));

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});
beforeEach(() => {
  sandbox.control();
  sandbox.clear();
});
afterAll(() => sandbox.close());

/** One provider of each wire. */
const wires = ['openai', 'anthropic'] as const;
const say = (id: string, scenario: string, extra: JsonObject = {}): Promise<Heard> =>
  new SandboxClient(sandbox, id).say(`sandbox:${scenario}`, extra);

describe.each(wires)('misbehaviour of %s', (id) => {
  it('html: a 502 that is no JSON', async () => {
    const heard = await say(id, 'hostile-html');
    expect(heard.status).toBe(502);
    expect(heard.headers.get('content-type')).toBe('text/html');
    expect(heard.json).toBeUndefined();
  });

  it.each(['hostile-half-json', 'hostile-empty-body'])('%s: a 200 that is no JSON', async (scenario) => {
    const heard = await say(id, scenario);
    expect(heard.status).toBe(200);
    expect(heard.json).toBeUndefined();
  });

  it('missing end: all but the last event', async () => {
    const end = id === 'openai' ? '[DONE]' : 'message_stop';
    expect((await say(id, 'text', { stream: true })).text).toContain(end);
    expect((await say(id, 'hostile-missing-end', { stream: true })).text).not.toContain(end);
  });

  it('unknown events, comments and other fields stand in the middle', async () => {
    const { text } = await say(id, 'hostile-unknown-events', { stream: true });
    expect(text).toContain('event: sandbox.unknown\n');
    expect(text).toContain('\n: comment\n');
    expect(text).toContain('\nretry: 10000\n');
  });

  it('error in a stream: a good start, the provider’s error, no answer’s end', async () => {
    const { status, text } = await say(id, 'hostile-error-in-stream', { stream: true });
    expect(status).toBe(200);
    expect(text.indexOf('"error"')).toBeGreaterThan(text.indexOf('Everything'));
    expect(text).not.toContain(id === 'openai' ? '"stop"' : 'message_stop');
  });

  it('huge line: one event of 5 MB', async () => {
    const { text } = await say(id, 'hostile-huge-line', { stream: true });
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeGreaterThan(5 * 1024 * 1024);
  });

  it('huge body: as long as set', async () => {
    sandbox.control({ huge_bytes: 300_000 });
    expect((await say(id, 'hostile-huge-body')).text.length).toBeGreaterThan(300_000);
  });

  it('gzip: compressed although not accepted', async () => {
    const heard = await say(id, 'hostile-gzip');
    expect(heard.headers.get('content-encoding')).toBe('gzip');
  });

  it('usage: absurd, or none', async () => {
    expect((await say(id, 'hostile-usage')).text).toContain('"total_tokens":"many"');
    expect(at((await say(id, 'hostile-no-usage')).json, 'usage')).toBeUndefined();
  });

  it('two starts: the first event twice', async () => {
    const events = eventsOf((await say(id, 'hostile-two-starts', { stream: true })).text);
    expect(events[1]).toEqual(events[0]);
  });

  it('duplicate ids: two calls, one id', async () => {
    const { text } = await say(id, 'hostile-duplicate-ids', { tools: id === 'openai' ? tools : claudeTools });
    const found = [...text.matchAll(/"id":"((?:call|toolu)_[^"]+)"/g)].map((match) => match[1]);
    expect(found).toHaveLength(2);
    expect(found[0]).toBe(found[1]);
  });

  it('echo: the key comes back in the error, plain and encoded', async () => {
    const client = new SandboxClient(sandbox, id);
    const heard = await client.say('sandbox:hostile-echo-key');
    expect(heard.status).toBe(400);
    expect(heard.text).toContain(client.keyOf('valid'));
    expect(heard.text).toContain(Buffer.from(client.keyOf('valid')).toString('base64'));
  });

  it('cut: the connection breaks although the key is valid', async () => {
    const client = new SandboxClient(sandbox, id);
    const response = await client.open(client.generationPath, client.request('sandbox:hostile-cut', { stream: true }));
    await expect(response.text()).rejects.toThrow();
  });

  it('header bomb: more headers than a client takes', async () => {
    await expect(say(id, 'hostile-header-bomb')).rejects.toThrow();
  });

  it('endless stream: goes on until the caller leaves, and the sandbox notices', async () => {
    const client = new SandboxClient(sandbox, id);
    const leave = new AbortController();
    const body = client.request('sandbox:hostile-endless', { stream: true });
    const response = await client.open(client.generationPath, body, client.keyOf('valid'), leave.signal);
    let read = 0;
    const reading = (async () => {
      for await (const chunk of response.body ?? []) {
        read += chunk.length;
        if (read > 200_000) leave.abort();
      }
    })();
    await expect(reading).rejects.toThrow();
    await expect.poll(() => sandbox.calls()[0]?.aborted).toBe(true);
  });
});

describe('misbehaviour of the chat wire alone', () => {
  it('same index: two streamed calls, both at 0', async () => {
    const events = eventsOf((await say('openai', 'hostile-same-index', { tools, stream: true })).text);
    const calls = events.flatMap((event) => objectsOf(at(event, 'choices', 0, 'delta', 'tool_calls')));
    expect(new Set(calls.map((call) => call.index))).toEqual(new Set([0]));
    expect(calls.filter((call) => call.id !== undefined)).toHaveLength(2);
  });

  it('tool arguments that are no JSON', async () => {
    const heard = await say('openai', 'hostile-tool-arguments', { tools });
    const given = String(at(heard.json, 'choices', 0, 'message', 'tool_calls', 0, 'function', 'arguments'));
    expect(() => JSON.parse(given)).toThrow();
  });

  it('stream_options: refused with the field’s name, answered without it', async () => {
    const refused = await say('mistral', 'hostile-stream-options', {
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(refused.status).toBe(422);
    expect(refused.text).toContain('stream_options');
    expect((await say('mistral', 'hostile-stream-options', { stream: true })).status).toBe(200);
  });

  it('one response too many comes on the same connection', async () => {
    const client = new SandboxClient(sandbox, 'openai');
    const body = JSON.stringify(client.request('sandbox:hostile-extra-response'));
    const url = new URL(client.example.base_url);
    const text = await new Promise<string>((resolve) => {
      let heard = '';
      const socket = connect(Number(url.port), url.hostname, () => {
        socket.write(
          `POST ${url.pathname}/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${client.keyOf('valid')}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
        );
      });
      socket.on('data', (chunk) => {
        heard += chunk.toString();
        if (heard.includes('asked me')) socket.destroy();
      });
      socket.on('close', () => resolve(heard));
    });
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
  });
});
