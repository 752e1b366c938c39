import Anthropic, { APIError as AnthropicError } from '@anthropic-ai/sdk';
import OpenAI, { APIError } from 'openai';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { api, connectKey, useProduct } from '../kit/product.ts';
import { mintKey } from '../kit/sandbox-keys.ts';

/**
 * The official clients with their own retries on: on a 429 with `retry-after` they sleep and try again, so a refusal by a cap has to
 * look like nothing they repeat.
 */
const product = useProduct();
const PROVIDER = 'openai';

beforeAll(async () => {
  expect((await connectKey(product, PROVIDER, mintKey(PROVIDER, 'valid'))).status).toBe(201);
  expect((await connectKey(product, 'anthropic', mintKey('anthropic', 'valid'))).status).toBe(201);
});
beforeEach(async () => {
  await setCaps({ per_request_usd: 10, per_day_usd: 10, per_month_usd: 100 });
  await fetch(`${product.dev().sandbox.url}/_calls`, { method: 'DELETE' });
});

async function setCaps(company: Record<string, unknown>): Promise<void> {
  expect(await api(product, 'PUT', '/api/caps', { body: { company } })).toMatchObject({ status: 200 });
}

async function generations(): Promise<number> {
  const { data }: { data: unknown[] } = JSON.parse(await (await fetch(`${product.dev().sandbox.url}/_calls`)).text());
  return data.length;
}

const token = () => product.dev().companies[0]?.gateway_token ?? '';
const openai = () => new OpenAI({ baseURL: `${product.dev().gateway_url}/v1`, apiKey: token() });
const anthropic = () => new Anthropic({ baseURL: product.dev().gateway_url, apiKey: token() });
const model = (provider: string) => `${provider}/${product.dev().sandbox.providers[provider]?.model}`;
const messages = [{ role: 'user' as const, content: 'Say hello.' }];

/** What a call was refused with, and how many requests the client made for it. */
async function refusalOf(call: (requests: { count: number }) => Promise<unknown>) {
  const requests = { count: 0 };
  const error: unknown = await call(requests).then(
    () => null,
    (reason: unknown) => reason,
  );
  return { error, requests: requests.count };
}

const counting =
  (requests: { count: number }) =>
  (...words: Parameters<typeof fetch>): ReturnType<typeof fetch> => {
    requests.count += 1;
    return fetch(...words);
  };

describe('a call that a cap refuses', () => {
  test.each([
    ['per_day_usd', 'spend.day_cap_reached'],
    ['per_month_usd', 'spend.month_cap_reached'],
    ['per_request_usd', 'spend.request_cap_reached'],
  ])('by %s reaches the openai client at once, once, with its code', async (field, code) => {
    await setCaps({ [field]: '0.000001' });
    const { error, requests } = await refusalOf((made) =>
      openai()
        .withOptions({ fetch: counting(made) })
        .chat.completions.create({ model: model(PROVIDER), messages }),
    );
    expect(requests).toBe(1);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ status: 402, code, type: 'insufficient_quota' });
    expect(await generations()).toBe(0);
  });

  test('reaches the anthropic client at once, once, with code, cap and time', async () => {
    await setCaps({ per_day_usd: 0 });
    const { error, requests } = await refusalOf((made) =>
      anthropic()
        .withOptions({ fetch: counting(made) })
        .messages.create({ model: model('anthropic'), max_tokens: 64, messages }),
    );
    expect(requests).toBe(1);
    expect(error).toBeInstanceOf(AnthropicError);
    expect(error).toMatchObject({
      status: 402,
      error: { type: 'error', error: { type: 'billing_error', code: 'spend.day_cap_reached', cap_usd: '0' } },
    });
    expect(await generations()).toBe(0);
  });

  test('is refused as a stream too, before the stream begins', async () => {
    await setCaps({ per_day_usd: 0 });
    const { error, requests } = await refusalOf((made) =>
      openai()
        .withOptions({ fetch: counting(made) })
        .chat.completions.create({ model: model(PROVIDER), messages, stream: true }),
    );
    expect(requests).toBe(1);
    expect(error).toMatchObject({ status: 402, code: 'spend.day_cap_reached' });
  });

  test('succeeds at the very next try once the cap is raised', async () => {
    await setCaps({ per_day_usd: 0 });
    const call = () => openai().chat.completions.create({ model: model(PROVIDER), messages });
    await expect(call()).rejects.toMatchObject({ status: 402 });
    await setCaps({ per_day_usd: 10 });
    expect((await call()).choices[0]?.message.content).toBeTruthy();
  });
});

test('an estimate is what the gateway reserves, and its worst is never below the cost', async () => {
  const body = { model: model(PROVIDER), max_tokens: 100, messages };
  const estimate = await api<Record<string, string>>(product, 'POST', '/api/estimate', { body });
  expect(estimate).toMatchObject({ status: 200, body: { key_source: 'own', price_known: true, would_block: null } });
  const { data, response } = await openai().chat.completions.create(body).withResponse();
  expect(data.usage?.total_tokens).toBeGreaterThan(0);
  const id = response.headers.get('x-ownkey-request-id') ?? '';
  const entry = await api<{ cost_usd: string; events: { kind: string; data: { reserved_nano_usd?: number } }[] }>(
    product,
    'GET',
    `/api/audit/${id}`,
  );
  const started = entry.body.events.find(({ kind }) => kind === 'call.started');
  expect(Number(estimate.body.worst_usd) * 1e9).toBeCloseTo(started?.data.reserved_nano_usd ?? -1, 0);
  expect(entry.body.cost_usd).toBe(response.headers.get('x-ownkey-cost-usd'));
  expect(Number(estimate.body.worst_usd)).toBeGreaterThanOrEqual(Number(entry.body.cost_usd));
});
