import { createClient } from '@ownkey/sdk/client';
import { connectKey as connectSealed } from '@ownkey/sdk/keys';
import { CALLS } from '@ownkey/worker/http/serve';
import { beforeEach, describe, expect, test } from 'vitest';
import { api, connectKey, useProduct } from '../kit/product.ts';
import { rowsOf } from '../kit/product-database.ts';
import { mintKey } from '../kit/sandbox-keys.ts';

/** Whatever reaches a provider went through the ledger: one row for each call the sandbox saw, with its price where it costs. */
const product = useProduct();
let before: number;

beforeEach(async () => {
  for (const provider of ['openai', 'anthropic']) await connectKey(product, provider, mintKey(provider, 'valid'));
  await fetch(`${product.dev().sandbox.url}/_calls`, { method: 'DELETE' });
  before = await countRows();
});

async function countRows(): Promise<number> {
  const [row] = await rowsOf<{ n: number }>(
    product.directory,
    `SELECT count(*)::int AS n FROM requests WHERE state <> 'released'`,
  );
  return row?.n ?? 0;
}

/** The rows of what was just done, oldest first, once every call has ended. */
async function newRows(): Promise<Record<string, unknown>[]> {
  const open = () => rowsOf(product.directory, `SELECT id FROM requests WHERE state = 'reserved'`);
  await expect.poll(open, { timeout: 10_000 }).toEqual([]);
  const rows = await rowsOf(
    product.directory,
    `SELECT kind, cost_nano_usd IS NOT NULL AS priced, state FROM requests WHERE state <> 'released' ORDER BY created_at, id OFFSET $1`,
    [before],
  );
  const { data }: { data: unknown[] } = JSON.parse(await (await fetch(`${product.dev().sandbox.url}/_calls`)).text());
  expect(rows).toHaveLength(data.length);
  expect(rows.length).toBeGreaterThan(0);
  return rows;
}

function gateway(path: string, body?: unknown): Promise<Response> {
  const { gateway_url, companies } = product.dev();
  return fetch(`${gateway_url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${companies[0]?.api_token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

const chat = { model: 'openai/gpt-4o-mini', max_tokens: 8, messages: [{ role: 'user', content: 'Hello' }] };
const EXAMPLES: Readonly<Record<string, unknown>> = {
  '/v1/chat/completions': chat,
  '/v1/responses': { model: 'openai/gpt-4o-mini', max_output_tokens: 16, input: 'Hello' },
  '/v1/messages': { ...chat, model: 'anthropic/claude-sonnet-4-5' },
  '/v1/messages/count_tokens': { model: 'anthropic/claude-sonnet-4-5', messages: chat.messages },
  '/v1/embeddings': { model: 'openai/text-embedding-3-small', input: 'Hello' },
};

describe('every route of the gateway that calls a provider', () => {
  test('has an example here', () => {
    expect(Object.keys(EXAMPLES).sort()).toEqual(Object.keys(CALLS).sort());
  });

  test.each(Object.keys(CALLS))('%s leaves one row a call, settled at a price', async (path) => {
    const answer = await gateway(path, EXAMPLES[path]);
    expect(answer.status).toBe(200);
    await answer.text();
    expect(await newRows()).toEqual([{ kind: 'call', priced: true, state: 'settled' }]);
  });

  test.each(Object.keys(CALLS))('%s is stopped by a cap of 0 before anything is sent', async (path) => {
    try {
      await api(product, 'PUT', '/api/caps', { body: { company: { per_day_usd: 0 } } });
      const answer = await gateway(path, EXAMPLES[path]);
      expect(answer.status).toBe(402);
      expect(answer.headers.get('x-ownkey-error-code')).toBe('spend.day_cap_reached');
      const { data }: { data: unknown[] } = JSON.parse(
        await (await fetch(`${product.dev().sandbox.url}/_calls`)).text(),
      );
      expect(data).toEqual([]);
    } finally {
      await api(product, 'PUT', '/api/caps', { body: { company: { per_day_usd: 10 } } });
    }
  });

  test('/v1/models leaves a row for each list it asks for', async () => {
    // A list that is known is asked for again once it is old.
    await rowsOf(product.directory, `UPDATE model_lists SET fetched_at = now() - interval '1 hour'`);
    await (await gateway('/v1/models')).text();
    const rows = await newRows();
    expect(new Set(rows.map(({ kind }) => kind))).toEqual(new Set(['models']));
  });
});

describe('every test of a key', () => {
  const probe = [
    { kind: 'models', priced: true, state: 'settled' },
    { kind: 'probe', priced: true, state: 'settled' },
  ];

  test('that is connected in clear, sealed, tested again and replaced leaves a row a call', async () => {
    const { console_url, companies } = product.dev();
    await connectKey(product, 'openai', mintKey('openai', 'valid'));
    expect(await newRows()).toEqual(probe);
    const client = createClient({ baseUrl: console_url, token: companies[0]?.api_token ?? '' });
    const clearKey = new TextEncoder().encode(mintKey('openai', 'valid'));
    const key = await connectSealed(client, { provider: 'openai', scope: 'company', label: 'Second', clearKey });
    expect(await newRows()).toEqual([...probe, ...probe]);
    expect(await api(product, 'POST', `/api/keys/${key.id}/test`)).toMatchObject({ status: 200 });
    expect(await newRows()).toEqual([...probe, ...probe, ...probe]);
  });

  test('under a cap that is reached sends no generation, and says which cap', async () => {
    try {
      await api(product, 'PUT', '/api/caps', { body: { company: { per_day_usd: 0 } } });
      const { body } = await connectKey(product, 'openai', mintKey('openai', 'valid'));
      expect(JSON.stringify(body)).toContain('spend.day_cap_reached');
      expect(await newRows()).toEqual([{ kind: 'models', priced: true, state: 'settled' }]);
    } finally {
      await api(product, 'PUT', '/api/caps', { body: { company: { per_day_usd: 10 } } });
    }
  });

  test('of a shared key is priced, and counts against no company', async () => {
    const token = product.dev().operator.api_token;
    const list = await api<{ data: { id: string; provider: string }[] }>(
      product,
      'GET',
      '/api/operator/platform-keys',
      { token },
    );
    const id = list.body.data.find(({ provider }) => provider === 'openai')?.id;
    expect(await api(product, 'POST', `/api/operator/platform-keys/${id}/test`, { token })).toMatchObject({
      status: 200,
    });
    expect(await newRows()).toEqual(probe);
    const sums = await rowsOf(product.directory, `SELECT 1 FROM meters WHERE company_id IS NULL`);
    expect(sums).toEqual([]);
  });
});
