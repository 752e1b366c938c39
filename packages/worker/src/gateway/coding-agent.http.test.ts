/** Traffic as coding agents send it on the Messages API: long, with caches, many tools, thinking, and betas nobody here knows. */
import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { send } from '../../../../tests/kit/gateway.ts';
import { useTestDatabase } from '../../../../tests/kit/postgres.ts';
import { type Arrived, answer, type ProviderServer, startProvider } from '../../../../tests/kit/provider-server.ts';
import { type RealGateway, startRealGateway } from '../../../../tests/kit/real-gateway.ts';
import { seedCompany, seedToken } from '../../../../tests/kit/worker-rows.ts';

const database = useTestDatabase();
let owner: Client;
let provider: ProviderServer;
let gateway: RealGateway;
let companyId: string;
let token: string;

const CLEAR_KEY = `sk-ant-api03-${'k'.repeat(80)}`;
const WHOLE = '{"id":"msg_1","type":"message","usage":{"input_tokens":3,"output_tokens":5}, "new_field": 1.0}';
const event = (type: string, rest: string): string => `event: ${type}\ndata: {"type":"${type}"${rest}}\n\n`;
const STREAMED = [
  event(
    'message_start',
    ',"message":{"id":"msg_1","usage":{"input_tokens":7,"cache_read_input_tokens":180000,"cache_creation_input_tokens":900,"cache_creation":{"ephemeral_5m_input_tokens":400,"ephemeral_1h_input_tokens":500},"output_tokens":1}}',
  ),
  event('ping', ''),
  event('content_block_start', ',"index":0,"content_block":{"type":"thinking","thinking":"","signature":""}'),
  event('content_block_delta', ',"index":0,"delta":{"type":"signature_delta","signature":"EqQB+/="}'),
  event('content_block_stop', ',"index":0'),
  event('content_block_start', ',"index":1,"content_block":{"type":"not_known_yet","caf\\u00e9":  1}'),
  event('content_block_stop', ',"index":1'),
  event('message_delta', ',"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":41},"context_management":{}'),
  event('message_stop', ''),
].join('');

beforeAll(async () => {
  owner = await database.connect('owner');
  await owner.query('SET search_path = ownkey');
  provider = await startProvider((socket, { head, body }) => {
    if (head.includes('/count_tokens ')) socket.write(answer('{"input_tokens":181234}'));
    else if (!body.includes('"stream":  true')) socket.write(answer(WHOLE));
    else socket.write(answer(STREAMED).replace('application/json', 'text/event-stream'));
  });
  gateway = await startRealGateway(database.workerUrl, {
    instead: { anthropic: provider },
    bodyBytesMax: 4 * 1024 * 1024,
  });
});
afterAll(async () => {
  await gateway.close();
  await provider.close();
});
beforeEach(async () => {
  companyId = await seedCompany(owner);
  ({ token } = await seedToken(owner, companyId, ['inference']));
  await gateway.storeKey(owner, CLEAR_KEY, { companyId, provider: 'anthropic' });
  provider.arrived.length = 0;
});

const MODEL = 'claude-sonnet-4-5';
const HEADERS = {
  'anthropic-version': '2023-06-01',
  'anthropic-beta': 'claude-code-20250219,interleaved-thinking-2025-05-14,not-known-yet-2031-01-01',
  'x-app': 'cli',
  'user-agent': 'agent/1.0 (external)',
  cookie: 'session=secret',
};

/** Written by hand, as no writer of ours would: spaces, escapes, numbers and the order of keys have to stay. */
function bodyOf(model: string, streaming: boolean): string {
  const tools = Array.from(
    { length: 60 },
    (_, at) =>
      `{"name":"Tool${at}", "input_schema":{"type":"object","properties":{"model":{"type":"string"},"2":{},"1":{}},"$schema":"http:\\/\\/json-schema.org/draft-07/schema#"},"description":"${'what it does. '.repeat(20)}"}`,
  );
  return `{ "messages" : [
    {"role":"user","content":[{"type":"text","text":"<system-reminder>\\n\\u00e9\\ud83d\\ude00 é😀</system-reminder>"},
      {"type":"text","text":"${'Read the file. \\"model\\": \\"x\\" '.repeat(7_000)}","cache_control":{"type":"ephemeral","ttl":"1h"}}]},
    {"role":"assistant","content":[{"type":"thinking","thinking":"Hm…","signature":"EqQB+/=="},{"type":"redacted_thinking","data":"abc"},
      {"type":"tool_use","id":"toolu_01","name":"Tool1","input":{"b":1.0,"a":1e3,"model":"y"}}]},
    {"role":"user","content":[{"tool_use_id":"toolu_01","type":"tool_result","content":[{"type":"text","text":"ok"}],"is_error":false,"cache_control":{"type":"ephemeral"}}]}],
  "system":[{"type":"text","text":"You are an agent.","cache_control":{"type":"ephemeral"}},{"type":"text","text":"More."}],
  "tools":[${tools.join(',')}], "model":"${model}",  "max_tokens":32000, "temperature": 1.0,
  "thinking":{"budget_tokens":31999,"type":"enabled"},
  "context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"}]},
  "metadata":{"user_id":"user_1"}, "not_known_yet":{"model":null,"deep":[[[{}]]]}, "stream":  ${streaming} }\n`;
}

function headersOf({ head }: Arrived): Record<string, string> {
  const lines = head.split('\r\n').slice(1);
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
}

const ask = (path: string, streaming: boolean) =>
  send('POST', `${gateway.url}${path}`, {
    headers: { ...HEADERS, 'x-api-key': token },
    body: bodyOf(`anthropic/${MODEL}`, streaming),
  });
const rows = async () => (await owner.query('SELECT * FROM requests WHERE company_id = $1', [companyId])).rows;

test.each([
  ['/v1/messages?beta=true', '/v1/messages', true, STREAMED],
  ['/v1/messages', '/v1/messages', false, WHOLE],
  ['/v1/messages/count_tokens?beta=true', '/v1/messages/count_tokens', false, '{"input_tokens":181234}'],
])(
  '%s reaches the provider byte for byte but for the model’s name, and so does its answer',
  async (asked, path, streaming, wanted) => {
    const sent = bodyOf(MODEL, streaming);
    expect(sent.length).toBeGreaterThan(200_000);
    const answered = await ask(asked, streaming);
    expect({ status: answered.status, text: answered.text }).toEqual({ status: 200, text: wanted });
    const [arrived] = provider.arrived;
    expect(arrived?.head.split('\r\n')[0]).toBe(`POST ${path} HTTP/1.1`);
    expect(arrived?.body === sent).toBe(true);
  },
);

test('the betas asked for go along; the key is the provider’s, and nothing that names the caller goes', async () => {
  await ask('/v1/messages', true);
  const [arrived] = provider.arrived;
  if (!arrived) throw new Error('nothing arrived');
  const headers = headersOf(arrived);
  expect(headers).toMatchObject({
    'anthropic-version': HEADERS['anthropic-version'],
    'anthropic-beta': HEADERS['anthropic-beta'],
    'x-api-key': CLEAR_KEY,
  });
  expect(headers.cookie).toBeUndefined();
  expect(headers.authorization).toBeUndefined();
  expect(arrived.head).not.toContain(token);
});

test('tokens read from and written to the cache are booked', async () => {
  await ask('/v1/messages', true);
  expect(await rows()).toMatchObject([
    {
      state: 'settled',
      cost_basis: 'reported',
      input_tokens: '180907',
      cached_tokens: '180000',
      cache_write_5m_tokens: '400',
      cache_write_1h_tokens: '500',
      output_tokens: '41',
    },
  ]);
});
