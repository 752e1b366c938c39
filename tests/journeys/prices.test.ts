import { expect, test } from 'vitest';
import { api, connectKey, useProduct } from '../kit/product.ts';
import { mintKey } from '../kit/sandbox-keys.ts';

const product = useProduct();

interface Entry {
  input_tokens: number;
  output_tokens: number;
  cost_usd: string;
  price: unknown;
}

/** A call of the first demo company, on the shared key until it connects one. */
async function call(model: string): Promise<{ status: number; id: string; text: string }> {
  const { gateway_url, companies } = product.dev();
  const response = await fetch(`${gateway_url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${companies[0]?.gateway_token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, max_tokens: 50, messages: [{ role: 'user', content: 'Hello' }] }),
  });
  return {
    status: response.status,
    id: response.headers.get('x-ownkey-request-id') ?? '',
    text: await response.text(),
  };
}

async function priced(model: string): Promise<Entry> {
  const { status, id } = await call(model);
  expect(status).toBe(200);
  return (await api<Entry>(product, 'GET', `/api/audit/${id}`)).body;
}

test('every call says which price it was made with: the library’s, the provider’s word, the sandbox’s', async () => {
  const library = await priced('openai/gpt-4o-mini');
  expect(library.price).toMatchObject({ basis: 'price', origin: 'catalogue', price: { input_usd_per_mtok: '0.15' } });
  const nano = BigInt(library.input_tokens) * 150n + BigInt(library.output_tokens) * 600n;
  expect(Number(library.cost_usd) * 1e9).toBeCloseTo(Number(nano), 3);
  expect((await priced('openrouter/openai/gpt-4o-mini')).price).toMatchObject({ basis: 'provider', id: null });
  expect((await priced('nvidia/meta/llama-3.1-8b-instruct')).price).toMatchObject({
    basis: 'price',
    origin: 'sandbox',
  });
});

test('a price a company sets is that of its very next call on its own key, and of none on the shared key', async () => {
  const own = { provider: 'openai', model: 'gpt-4o', input_usd_per_mtok: '7', output_usd_per_mtok: '11' };
  const set = await api(product, 'PUT', '/api/prices', { body: own });
  expect((await priced('openai/gpt-4o')).price).toMatchObject({ origin: 'catalogue' });
  expect((await connectKey(product, 'openai', mintKey('openai', 'valid'))).status).toBe(201);
  const entry = await priced('openai/gpt-4o');
  expect(entry.price).toMatchObject({ id: set.body.id, origin: 'company', price: { input_usd_per_mtok: '7' } });
  const nano = BigInt(entry.input_tokens) * 7000n + BigInt(entry.output_tokens) * 11_000n;
  expect(Number(entry.cost_usd) * 1e9).toBeCloseTo(Number(nano), 3);
});

test('a model without a price is refused on the shared key, by name', async () => {
  const { status, text } = await call('nvidia/openai/gpt-oss-20b');
  expect(status).toBeGreaterThanOrEqual(400);
  expect(JSON.parse(text).error.code).toBe('price.unknown');
});
