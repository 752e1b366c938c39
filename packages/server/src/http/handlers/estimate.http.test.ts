import type { Client } from 'pg';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestCompany, useControlPlane } from '../../../../../tests/kit/control-plane.ts';
import { seedKey, seedPrice } from '../../../../../tests/kit/worker-rows.ts';

const plane = useControlPlane();
let owner: Client;
let company: TestCompany;

/** 1 USD per million tokens in, 2 out. */
const MODEL = 'test-model-1';
const NAME = `openai/${MODEL}`;
const USD = 1_000_000_000;

beforeAll(async () => {
  owner = await plane.postgres.connect('superuser');
  await owner.query('SET search_path = ownkey');
  await seedPrice(owner, { slug: 'openai', model: MODEL });
  await seedPrice(owner, { slug: 'groq', model: MODEL });
  await seedKey(owner, { provider: 'groq' });
});
beforeEach(async () => {
  company = await plane.createCompany();
  await seedKey(owner, { companyId: company.id, provider: 'openai' });
});
afterEach(async () => {
  await owner.query("UPDATE installation SET settings = settings - 'policies'");
});

type Headers = Readonly<Record<string, string>>;
const MESSAGES = [{ role: 'user', content: 'Hello, world!' }];
const ask = (body: Record<string, unknown> = {}, who: Headers = company.admin, path = '/api/estimate') =>
  plane.call('POST', path, who, { model: NAME, messages: MESSAGES, ...body });
const estimate = async (body: Record<string, unknown> = {}, who: Headers = company.admin) => {
  const answer = await ask(body, who);
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
};
const setCaps = (body: unknown) => plane.call('PUT', '/api/caps', company.admin, body);

async function recordAnswers(model: string, requests: number, outputTokens: number) {
  await owner.query(
    `INSERT INTO usage_hourly (company_id, hour, provider, slug, model, operation, user_id, key_id, key_source, requests, output_tokens)
     VALUES ($1, date_trunc('hour', now()), 'openai', 'openai', $2, '', '', '', 'own', $3, $4)`,
    [company.id, model, requests, outputTokens],
  );
}

describe('an estimate', () => {
  test('says what a call costs at least, likely and at worst, on whose key, and what is left', async () => {
    const body = JSON.stringify({ model: NAME, messages: MESSAGES, max_tokens: 1000 });
    const answer = await plane.call('POST', '/api/estimate', company.admin, body);
    // 4 tokens of text, 3 and 4 around them; answers of 50 and 500 tokens; the bytes of the body, 512 around it, 1000 tokens.
    const worst = (Buffer.byteLength(body) + 512) * 1000 + 1000 * 2000;
    expect(answer.body).toMatchObject({
      model: MODEL,
      provider: 'openai',
      key_source: 'own',
      input_tokens: 11,
      tokens_counted: true,
      max_tokens: 1000,
      low_usd: '0.000111',
      likely_usd: '0.001011',
      worst_usd: (worst / USD).toFixed(9).replace(/0+$/, ''),
      likely_basis: 'default',
      price_known: true,
      price: { origin: 'operator' },
      price_confidence: 'set',
      would_block: null,
      remaining: { request_usd: '10', day_usd: '10', month_usd: '100', credits_usd: null },
    });
  });

  test('takes the body by itself or within `body`, and the two agree', async () => {
    const call = { model: NAME, messages: MESSAGES, max_tokens: 100 };
    const bare = await plane.call('POST', '/api/estimate', company.admin, call);
    const wrapped = await plane.call('POST', '/api/estimate', company.admin, { body: call, wire: 'openai-chat' });
    expect(wrapped.status).toBe(200);
    expect(wrapped.body).toEqual(bare.body);
  });

  test('reads every wire', async () => {
    const responses = { model: NAME, input: 'Hello, world!', instructions: 'Hello, world!', max_output_tokens: 9 };
    const answer = await plane.call('POST', '/api/estimate', company.admin, responses);
    expect(answer.body).toMatchObject({ input_tokens: 15, max_tokens: 9 });
    const messages = { model: NAME, system: 'Hello, world!', messages: MESSAGES, max_tokens: 9 };
    const asChat = await plane.call('POST', '/api/estimate', company.admin, messages);
    const asMessages = await plane.call('POST', '/api/estimate?wire=anthropic-messages', company.admin, messages);
    expect([asChat.body.input_tokens, asMessages.body.input_tokens]).toEqual([11, 15]);
  });

  test("likely is as long as the company's answers of the model are, once there are five", async () => {
    await recordAnswers(MODEL, 4, 400);
    expect((await estimate({ max_tokens: 1000 })).likely_basis).toBe('default');
    await owner.query('UPDATE usage_hourly SET requests = 5, output_tokens = 1000 WHERE company_id = $1', [company.id]);
    expect(await estimate({ max_tokens: 1000 })).toMatchObject({ likely_basis: 'own_calls', likely_usd: '0.000411' });
    expect(await estimate({ max_tokens: 10 })).toMatchObject({ low_usd: '0.000031', likely_usd: '0.000031' });
  });

  test('asks nobody and holds nothing', async () => {
    await estimate();
    for (const table of ['requests', 'meters', 'worker_jobs']) {
      const { rows } = await owner.query(`SELECT 1 FROM ${table} WHERE company_id = $1`, [company.id]);
      expect([table, rows]).toEqual([table, []]);
    }
  });

  test('takes the maximum the provider lists for the model where no limit is stated', async () => {
    const { rows } = await owner.query('SELECT id FROM keys WHERE company_id = $1', [company.id]);
    await owner.query(
      'INSERT INTO model_lists (key_id, company_id, models, fetched_at, tried_at) VALUES ($1, $2, $3, now(), now())',
      [rows[0].id, company.id, JSON.stringify([{ id: MODEL, chat: true, maxOutputTokens: 7777 }])],
    );
    expect((await estimate()).max_tokens).toBe(7777);
    expect((await estimate({ model: MODEL })).provider).toBe('openai');
    await owner.query('DELETE FROM model_lists WHERE company_id = $1', [company.id]);
    expect((await estimate()).max_tokens).toBe(4096);
  });

  test('is for whoever may see usage or call', async () => {
    for (const scope of ['usage:read', 'inference'] as const) {
      const token = await plane.createTokenHeaders([scope], { companyId: company.id });
      expect((await ask({}, token)).status).toBe(200);
      expect((await plane.call('GET', '/api/spend', token)).status).toBe(200);
    }
    const token = await plane.createTokenHeaders(['keys:read'], { companyId: company.id });
    expect((await ask({}, token)).body.code).toBe('auth.scope');
  });
});

describe('what the gateway would refuse anyway is refused alike', () => {
  test.each([
    [{ model: 'openai-typo/gpt' }, 400, 'provider.unknown'],
    [{ model: 'no-such-model' }, 400, 'model.unknown'],
    [{ model: 'mistral/some-model' }, 424, 'key.missing'],
    [{ model: '' }, 400, 'request.invalid'],
    [{ max_tokens: 0 }, 400, 'request.invalid'],
    [{ max_tokens: -1 }, 400, 'request.invalid'],
    [{ max_tokens: 1e12 }, 400, 'request.invalid'],
    [{ n: 0 }, 400, 'request.invalid'],
    [{ messages: 'Hi' }, 400, 'request.invalid'],
    [{ messages: undefined }, 400, 'request.invalid'],
    [{ wire: 'openai-chat' }, 400, 'request.invalid'],
    [{ wire: 'telnet' }, 400, 'request.invalid'],
    [{ body: [] }, 400, 'request.invalid'],
  ])('%j', async (body, status, code) => {
    const answer = await ask(body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  test('many answers cost many times one', async () => {
    const [one, thousand] = [await estimate({ max_tokens: 100 }), await estimate({ max_tokens: 100, n: 1000 })];
    expect(Number(thousand.worst_usd)).toBeGreaterThan(Number(one.worst_usd) * 100);
  });

  test('AI that is turned off', async () => {
    await plane.call('PUT', '/api/settings', company.admin, { ai_enabled: false });
    expect((await ask()).body.code).toBe('ai.consent_off');
  });

  test("another person's endpoint is not there", async () => {
    const baseUrl = 'https://llm.example.com/v1';
    await seedKey(owner, { companyId: company.id, userId: company.memberId, provider: 'custom', slug: 'lab', baseUrl });
    const mine = await ask({ model: 'lab/x' }, company.member);
    expect([mine.status, mine.body.provider, mine.body.price_known]).toEqual([200, 'lab', false]);
    const theirs = await ask({ model: 'lab/x' });
    const nobodys = await ask({ model: 'bal/x' });
    expect([theirs.body.code, theirs.text.replaceAll('lab', 'bal').replace(theirs.body.request_id, '')]).toEqual([
      'provider.unknown',
      nobodys.text.replace(nobodys.body.request_id, ''),
    ]);
  });

  test('the account chooses whose key pays', async () => {
    await seedKey(owner, { companyId: company.id, provider: 'groq' });
    await owner.query(
      "INSERT INTO sources (company_id, provider, account, source, on_failure) VALUES ($1, 'groq', 'shop-1', 'platform', 'stop')",
      [company.id],
    );
    const model = `groq/${MODEL}`;
    expect((await estimate({ model })).key_source).toBe('own');
    expect((await estimate({ model }, { ...company.admin, 'x-ownkey-account': 'shop-1' })).key_source).toBe('platform');
  });
});

describe('large and hostile bodies', () => {
  const pieces = Array.from({ length: 1800 }, (_, i) => `${i % 10}${' '.repeat(400)}${'a'.repeat(100 + (i % 11))}`);
  const hostile = pieces.join('').slice(0, 900_000);

  test('are estimated, counted or not, and others are answered meanwhile', async () => {
    const state = { done: false, answered: 0 };
    const large = ask({ messages: [{ role: 'user', content: hostile }] }).finally(() => {
      state.done = true;
    });
    while (!state.done) {
      expect((await plane.call('GET', '/api/spend', company.admin)).status).toBe(200);
      state.answered += 1;
    }
    // Were the text counted on the event loop, two or three would come in before that begins.
    expect(state.answered).toBeGreaterThan(10);
    expect((await large).status).toBe(200);
    expect((await large).body.input_tokens).toBeGreaterThan(1000);
  });

  test.each([[' '], ['a'], ['\n'], ['"'], ['漢']])('a megabyte of %j is bounded', async (letter) => {
    const content = letter.repeat(Math.floor(900_000 / Buffer.byteLength(JSON.stringify(letter).slice(1, -1))));
    const answer = await ask({ messages: [{ role: 'user', content }] });
    expect([answer.status, answer.body.price_known]).toEqual([200, true]);
  });

  test('up to 1 MiB are taken, and only here', async () => {
    const content = 'x'.repeat(1_048_577);
    const answer = await ask({ messages: [{ role: 'user', content }] });
    expect([answer.status, answer.body.code, answer.body.title]).toEqual([
      413,
      'request.too_large',
      'The body is larger than 1048576 bytes.',
    ]);
    expect((await setCaps({ users: { [content.slice(0, 300_000)]: null } })).body.title).toBe(
      'The body is larger than 262144 bytes.',
    );
  });

  test('as deep as the gateway takes them', async () => {
    const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));
    expect((await ask({ metadata: nested(100) })).status).toBe(200);
    expect((await ask({ metadata: nested(130) })).body.code).toBe('request.too_deep');
  });
});
