import { once } from 'node:events';
import { createServer } from 'node:net';
import { verifyWebhook } from '@ownkey/sdk/webhooks';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { useMailPeer } from '../kit/mail-peer.ts';
import { api, type Product, startProduct } from '../kit/product.ts';
import { useWebhookReceiver } from '../kit/webhook-receiver.ts';

const peer = useMailPeer();
const receiver = await useWebhookReceiver();
let product: Product;

beforeAll(async () => {
  // Setting the list replaces it: the sandbox has to be named as well.
  const sandboxPort = await freePort();
  const allowed = `127.0.0.1:${sandboxPort},${receiver.listed}`;
  product = await startProduct({
    OWNKEY_SMTP_URL: peer.url,
    OWNKEY_SANDBOX_PORT: String(sandboxPort),
    OWNKEY_EGRESS_ALLOW: allowed,
  });
}, 120_000);
afterAll(() => product.stop(), 60_000);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const arrival = <T>(of: readonly T[]): Promise<T> =>
  vi.waitFor(
    () => {
      const [first] = of;
      if (first === undefined) throw new Error('nothing has arrived');
      return first;
    },
    { timeout: 20_000, interval: 50 },
  );

it('a cap lowered below what was spent: one mail by SMTP and one signed webhook, and the list says so', async () => {
  await api(product, 'PUT', '/api/settings', { body: { notice_recipients: ['ops@example.com'] } });
  const made = await api<{ id: string; secret: string }>(product, 'POST', '/api/webhooks', {
    body: { url: receiver.url },
  });
  expect(made.status).toBe(201);
  const { gateway_url, companies, sandbox } = product.dev();
  const [provider, { model }] = Object.entries(sandbox.providers).find(([id]) => id === 'openai') ?? [
    '',
    { model: '' },
  ];
  const call = await fetch(`${gateway_url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${companies[0]?.gateway_token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: `${provider}/${model}`,
      max_tokens: 50,
      messages: [{ role: 'user', content: 'Hi' }],
    }),
  });
  expect([call.status, await call.text()]).toEqual([200, expect.any(String)]);
  const lowered = await api(product, 'PUT', '/api/caps', { body: { company: { per_day_usd: '0.000000001' } } });
  expect(lowered.status).toBe(200);

  const mail = await arrival(peer.mails);
  expect(mail.to).toEqual(['ops@example.com']);
  expect(mail.subject).toMatch(
    /: AI is paused until 00:00 UTC, today's cap is reached because .+ lowered it to \$0\.000000001$/,
  );
  expect(mail.text).toContain(`${product.dev().console_url}/c/${companies[0]?.id}/spend`);
  const delivery = await arrival(receiver.arrived);
  const message = await verifyWebhook(delivery.body, delivery.headers, made.body.secret);
  expect(message).toMatchObject({ type: 'cap.reached', data: { threshold: 100, cause: 'cap_lowered' } });

  await vi.waitFor(async () => {
    const { body } = await api<{ data: { threshold: number }[] }>(product, 'GET', '/api/alerts');
    // Both were noted in the same moment.
    expect(body.data.toSorted((a, b) => b.threshold - a.threshold)).toEqual([
      expect.objectContaining({ threshold: 100, silent: false, mails: { queued: 0, sent: 1, failed: 0 } }),
      expect.objectContaining({ threshold: 80, silent: true, mails: { queued: 0, sent: 0, failed: 0 } }),
    ]);
  });
  expect([peer.mails.length, receiver.arrived.length]).toEqual([1, 1]);
});
