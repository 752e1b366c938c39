import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { verifyWebhook } from './webhooks.ts';

const KEY = randomBytes(32);
const SECRET = `whsec_${KEY.toString('base64')}`;
const NOW = new Date('2026-11-18T12:00:00Z');
const TIMESTAMP = String(NOW.getTime() / 1000);
const BODY = JSON.stringify({
  id: 'msg_1',
  type: 'cap.near',
  created_at: NOW.toISOString(),
  company: { id: 'co_1', external_id: null, name: 'Café 🎉' },
  data: {},
});

function sign(body = BODY, { id = 'msg_1', timestamp = TIMESTAMP, key = KEY } = {}): string {
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}
const headersOf = (signature = sign(), id = 'msg_1', timestamp = TIMESTAMP) => ({
  'webhook-id': id,
  'webhook-timestamp': timestamp,
  'webhook-signature': signature,
});
const verify = (body: string | Uint8Array, headers: Parameters<typeof verifyWebhook>[1], toleranceS?: number) =>
  verifyWebhook(body, headers, SECRET, { now: NOW, ...(toleranceS === undefined ? {} : { toleranceS }) });

describe('a webhook is taken', () => {
  test('when it was signed with the secret, as text, bytes, with an object or Headers', async () => {
    expect(await verify(BODY, headersOf())).toEqual(JSON.parse(BODY));
    expect((await verify(Buffer.from(BODY), new Headers(headersOf()))).id).toBe('msg_1');
  });

  test('when one of several signatures fits, as while a secret is being changed', async () => {
    const other = sign(BODY, { key: randomBytes(32) });
    expect((await verify(BODY, headersOf(`v1a,AAAA ${other} ${sign()}`))).type).toBe('cap.near');
  });

  test('to the second of the tolerance, in both directions', async () => {
    for (const by of [-300, 300]) {
      const timestamp = String(Number(TIMESTAMP) + by);
      expect((await verify(BODY, headersOf(sign(BODY, { timestamp }), 'msg_1', timestamp))).id).toBe('msg_1');
    }
  });
});

describe('a webhook is refused', () => {
  const late = String(Number(TIMESTAMP) - 301);
  const early = String(Number(TIMESTAMP) + 301);
  test.each<[string, string, Record<string, string | string[]>, string]>([
    ['a changed body', BODY.replace('cap.near', 'cap.reached'), headersOf(), 'signature'],
    ['one blank more', `${BODY} `, headersOf(), 'signature'],
    ['another id', BODY, headersOf(sign(), 'msg_2'), 'signature'],
    ['another time', BODY, headersOf(sign(), 'msg_1', String(Number(TIMESTAMP) + 1)), 'signature'],
    ['another secret', BODY, headersOf(sign(BODY, { key: randomBytes(32) })), 'signature'],
    ['a shortened signature', BODY, headersOf(sign().slice(0, -4)), 'signature'],
    ['no signature in a version we know', BODY, headersOf(sign().replace('v1,', 'v2,')), 'signature'],
    ['an old one, rightly signed', BODY, headersOf(sign(BODY, { timestamp: late }), 'msg_1', late), 'timestamp'],
    ['one from the future', BODY, headersOf(sign(BODY, { timestamp: early }), 'msg_1', early), 'timestamp'],
    ['a time that is none', BODY, headersOf(sign(BODY, { timestamp: 'NaN' }), 'msg_1', 'NaN'), 'timestamp'],
    ['no headers', BODY, {}, 'headers'],
    ['a header sent twice', BODY, { ...headersOf(), 'webhook-id': ['msg_1', 'msg_1'] }, 'headers'],
    ['no message', 'null', headersOf(sign('null')), 'body'],
    [
      'the id of another in its body',
      '{"id":"msg_9","type":"x","data":{}}',
      headersOf(sign('{"id":"msg_9","type":"x","data":{}}')),
      'body',
    ],
  ])('%s', async (_, body, headers, problem) => {
    await expect(verify(body, headers)).rejects.toMatchObject({ name: 'WebhookVerificationError', problem });
  });

  test('a secret that is none', async () => {
    await expect(verifyWebhook(BODY, headersOf(), 'secret', { now: NOW })).rejects.toMatchObject({ problem: 'secret' });
  });
});
