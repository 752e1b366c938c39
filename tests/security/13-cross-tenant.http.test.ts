import type { IncomingMessage } from 'node:http';
import { parseEgressAllow } from '@ownkey/guard/egress-policy';
import { createScrubber } from '@ownkey/guard/scrub';
import { prepareExchange } from '@ownkey/providers/exchange';
import { readModelList } from '@ownkey/providers/models';
import { writeError } from '@ownkey/providers/write-error';
import { createPool, sqlOf } from '@ownkey/worker/database';
import { PooledEgress } from '@ownkey/worker/egress/pooled-egress';
import { createTargets } from '@ownkey/worker/gateway/targets';
import { EnvelopeStore } from '@ownkey/worker/keys/envelope-store';
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testRing } from '../kit/egress.ts';
import { CATALOGUE, type GatewayUnderTest, open, startGateway } from '../kit/gateway.ts';
import { useTestDatabase } from '../kit/postgres.ts';
import { answer, startProvider } from '../kit/provider-server.ts';
import { quiet } from '../kit/quiet-log.ts';
import { storeKey } from '../kit/stored-key.ts';
import { seedCompany, seedToken } from '../kit/worker-rows.ts';

/**
 * Threat 13: fifty companies call one provider through two shared workers, interleaved, streamed and not, on connections that are
 * kept, and hang up at random points. The provider answers with the key it was called with and what it was asked: whoever hears a
 * word of another company, or finds a row of it, fails this.
 */
const COMPANIES = 50;
const CALLS = 100;
/** Calls of one company that run at once. */
const AT_ONCE = 2;
const SEED = 20_261_128;

/** A reproducible row of numbers from 0 to 1 (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const said = (text: string) => JSON.stringify({ content: text, role: 'assistant' });
const frame = (text: string) =>
  `data: {"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":${said(text)}}]}\n\n`;
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
/** Which connection carried which keys. */
const carried = new Map<number, Set<string>>();
const provider = await startProvider((socket, { head, body, connection }) => {
  const key = /authorization: Bearer (\S+)/i.exec(head)?.[1] ?? '';
  carried.set(connection, (carried.get(connection) ?? new Set()).add(key));
  const word = `${key} ${/canary-\d+-\d+/.exec(body)?.[0]} `;
  if (!body.includes('"stream":true')) {
    const choice = `{"index":0,"finish_reason":"stop","message":${said(word)}}`;
    const usage = '{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}';
    socket.write(answer(`{"id":"x","object":"chat.completion","model":"m","choices":[${choice}],"usage":${usage}}`));
    return;
  }
  socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n');
  // In several turns, so that other calls come in between.
  let left = 4;
  const next = (): void => {
    if (socket.destroyed) return;
    if (left-- > 0) socket.write(chunk(frame(word)), () => setImmediate(next));
    else socket.write(`${chunk('data: [DONE]\n\n')}0\r\n\r\n`);
  };
  next();
});

const database = useTestDatabase();
let owner: Client;
const gateways: GatewayUnderTest[] = [];
const closing: (() => Promise<unknown>)[] = [];
const companies: { id: string; token: string; key: string }[] = [];

beforeAll(async () => {
  owner = await database.connect('owner');
  const kekRing = testRing();
  const baseUrls = new Map([['openai', `${provider.origin}/v1`]]);
  const targets = createTargets(CATALOGUE, baseUrls);
  for (let i = 0; i < 2; i++) {
    const pool = createPool({ connectionString: database.workerUrl, name: 'keys', connectionsMax: 2, log: quiet });
    const scrubber = createScrubber();
    const envelopes = new EnvelopeStore({ sql: sqlOf(pool), kekRing, scrubber, undecryptable: () => {} });
    const egress = new PooledEgress({
      kekRing,
      envelopes,
      connectTimeoutMs: 10_000,
      extraCa: null,
      policy: parseEgressAllow(provider.listed).policy,
      catalogueBaseUrl: (id) => targets.baseUrlOf(id),
    });
    const more = { baseUrls, egress, prepareExchange, writeError, readModelList, scrubber, headersTimeoutMs: 60_000 };
    gateways.push(await startGateway(database.workerUrl, { ...more, idleTimeoutMs: 60_000 }));
    closing.push(
      () => egress.close(),
      () => pool.end(),
    );
  }
  for (let i = 0; i < COMPANIES; i++) {
    const id = await seedCompany(owner);
    const { token } = await seedToken(owner, id, ['inference']);
    const key = `key-of-company-${i}-end`;
    await storeKey(owner, kekRing, key, { companyId: id, provider: 'openai' });
    companies.push({ id, token, key });
  }
});
afterAll(async () => {
  for (const gateway of gateways) await gateway.close();
  for (const close of closing) await close();
  await provider.close();
});

/** One call, perhaps left after so many bytes; what was heard until then. */
function call(
  company: number,
  nth: number,
  random: () => number,
): Promise<{ text: string; left: boolean; id: string }> {
  const { token } = companies[company] ?? { token: '' };
  const leaveAfter = random() < 0.25 ? Math.floor(random() * 600) : null;
  const stream = random() < 0.5;
  const gateway = gateways[Math.floor(random() * gateways.length)];
  return new Promise((resolve, reject) => {
    let text = '';
    let id = '';
    const request = open('POST', `${gateway?.url}/v1/chat/completions`, {
      token,
      body: { model: 'openai/m', stream, messages: [{ role: 'user', content: `canary-${company}-${nth}` }] },
    });
    const leave = (): void => {
      request.destroy();
      resolve({ text, left: true, id });
    };
    if (leaveAfter !== null && leaveAfter < 100) setImmediate(leave);
    request.on('error', (error) => (leaveAfter === null ? reject(error) : leave()));
    request.on('response', (response: IncomingMessage) => {
      id = String(response.headers['x-ownkey-request-id']);
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        text += piece;
        if (leaveAfter !== null && text.length >= leaveAfter) leave();
      });
      response.on('error', () => leave());
      response.on('end', () => resolve({ text, left: false, id }));
    });
  });
}

test('no company hears a word of another, and each finds its own rows alone', { timeout: 120_000 }, async () => {
  const foreign: string[] = [];
  let whole = 0;
  let left = 0;
  const rows = new Map<string, number>();
  const run = async (company: number, lane: number): Promise<void> => {
    const random = numbers(SEED + company * AT_ONCE + lane);
    for (let nth = lane; nth < CALLS; nth += AT_ONCE) {
      const heard = await call(company, nth, random);
      if (heard.id !== '') rows.set(heard.id, company);
      const mine = `${companies[company]?.key} canary-${company}-${nth} `;
      const words = heard.text.match(/key-of-company-\d+-end canary-\d+-\d+ /g) ?? [];
      if (words.some((word) => word !== mine)) foreign.push(`${mine}: ${words.join()}`);
      // Also in pieces: another company's number stands nowhere.
      for (const [, number] of heard.text.matchAll(/(?:company|canary)-(\d+)-/g))
        if (Number(number) !== company) foreign.push(mine);
      if (heard.left) left += 1;
      else if (words.length > 0) whole += 1;
    }
  };
  // Both workers read the companies' settings, a few at a time.
  const stay = () => 0.9;
  for (let i = 0; i < COMPANIES; i++) await Promise.all([call(i, CALLS, stay), call(i, CALLS, () => 0.3)]);
  await Promise.all(companies.flatMap((_, i) => Array.from({ length: AT_ONCE }, (_, lane) => run(i, lane))));
  expect(foreign).toEqual([]);
  expect(whole + left).toBe(COMPANIES * CALLS);
  // Or it shows nothing: many were left, most arrived whole, and connections carried many calls.
  expect(left).toBeGreaterThan((COMPANIES * CALLS) / 10);
  expect(whole).toBeGreaterThan((COMPANIES * CALLS) / 2);
  expect(provider.arrived.length).toBeGreaterThan(provider.connections * 1.5);

  expect([...carried.values()].filter((keys) => keys.size !== 1)).toEqual([]);
  const { rows: stored } = await owner.query<{ id: string; company_id: string; same_key: boolean }>(
    `SELECT r.id, r.company_id, k.company_id = r.company_id AS same_key FROM ownkey.requests r JOIN ownkey.keys k ON k.id = r.key_id`,
  );
  expect(stored.length).toBeGreaterThanOrEqual(rows.size);
  const byId = new Map(stored.map((row) => [row.id, row]));
  const wrong = [...rows].filter(([id, company]) => byId.get(id)?.company_id !== companies[company]?.id);
  expect(wrong).toEqual([]);
  expect(stored.filter(({ same_key }) => !same_key)).toEqual([]);
});
