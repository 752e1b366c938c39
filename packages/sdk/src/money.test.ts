import { expect, it } from 'vitest';
import { createClient } from './client.ts';
import { moneyOf } from './money.ts';

/** Calls are kept and answered with `{ok: true}` and an ETag. */
function recording() {
  const calls: { method: string; path: string; ifMatch: string | null; body: unknown }[] = [];
  const client = createClient({
    baseUrl: 'https://keys.example.com',
    token: 'oky_test',
    fetch: async (url, init) => {
      const { pathname, search } = new URL(String(url));
      calls.push({
        method: init?.method ?? '',
        path: pathname + search,
        ifMatch: new Headers(init?.headers).get('if-match'),
        body: typeof init?.body === 'string' ? JSON.parse(init.body) : null,
      });
      return Response.json({ ok: true }, { headers: { etag: '"7"' } });
    },
  });
  return { money: moneyOf(client), calls };
}

it('estimates the very body of a call, and names the wire where the body does not tell', async () => {
  const { money, calls } = recording();
  const body = { model: 'openai/gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] };
  await money.estimate(body);
  await money.estimate(body, { wire: 'anthropic-messages' });
  expect(calls).toMatchObject([
    { method: 'POST', path: '/api/estimate', body },
    { method: 'POST', path: '/api/estimate?wire=anthropic-messages', body },
  ]);
});

it('reads spend and caps, with the ETag that guards a change', async () => {
  const { money, calls } = recording();
  expect(await money.spend()).toEqual({ ok: true });
  const { etag } = await money.caps.get();
  await money.caps.put({ company: { per_day_usd: '5' } }, { ifMatch: etag ?? '' });
  await money.caps.preview({ me: { per_day_usd: null } });
  expect(calls).toEqual([
    { method: 'GET', path: '/api/spend', ifMatch: null, body: null },
    { method: 'GET', path: '/api/caps', ifMatch: null, body: null },
    { method: 'PUT', path: '/api/caps', ifMatch: '"7"', body: { company: { per_day_usd: '5' } } },
    { method: 'POST', path: '/api/caps/preview', ifMatch: null, body: { me: { per_day_usd: null } } },
  ]);
});

it('throws the code of a refusal', async () => {
  const client = createClient({
    fetch: async () => Response.json({ title: 'x', code: 'conflict.changed', who: 'Ana' }, { status: 409 }),
  });
  await expect(moneyOf(client).caps.put({})).rejects.toMatchObject({ code: 'conflict.changed', status: 409 });
});
