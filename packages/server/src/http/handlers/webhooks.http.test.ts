import { parseEgressAllow } from '@ownkey/guard/egress-policy';
import type { Lookup } from '@ownkey/guard/resolve';
import { verifyWebhook } from '@ownkey/sdk/webhooks';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AUTH_SECRET, type TestCompany, useControlPlane } from '../../../../../tests/kit/control-plane.ts';
import { useWebhookReceiver } from '../../../../../tests/kit/webhook-receiver.ts';
import { createOutbox, type Outbox } from '../../domain/outbox/outbox.ts';

const receiver = await useWebhookReceiver();
/** What the name server says; tests change it. */
const names = new Map<string, string[]>();
const lookup: Lookup = async (host) => {
  const found = names.get(host);
  if (found === undefined) throw new Error('ENOTFOUND');
  return found.map((address) => ({ address }));
};
const ALLOWED = `${receiver.listed},inside.example.com:${receiver.listed.split(':')[1]}`;
const plane = useControlPlane({ OWNKEY_EGRESS_ALLOW: ALLOWED }, { lookup });
const { policy } = parseEgressAllow(ALLOWED);
let company: TestCompany;
let outbox: Outbox;

beforeAll(() => {
  const { database } = plane;
  const webhooks = { database, authSecret: AUTH_SECRET, policy, lookup, version: '1.2.3' };
  outbox = createOutbox({ database, log: plane.server.log, mail: null, webhooks, nameProvider: (slug) => slug });
});
beforeEach(async () => {
  receiver.arrived.length = 0;
  receiver.answers = [{ status: 200 }];
  names.clear();
  names.set('hooks.example.com', ['93.184.215.14']);
  company = await plane.createCompany();
});

const create = (body: unknown, who = company.admin) => plane.call('POST', '/api/webhooks', who, body);
const deliveries = async (id: string) =>
  (await plane.call('GET', `/api/webhooks/${id}/deliveries`, company.admin)).body.data;

async function passCap(): Promise<void> {
  const owner = await plane.postgres.connect('superuser');
  await owner.query('SET search_path = ownkey');
  await owner.query(
    `SELECT note_alert($1, '', 'day', date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', 10000000000, 8040000000, 90000000, 'spent', NULL)`,
    [company.id],
  );
}
const makeDue = () =>
  plane.database.everywhere((sql) => sql.rows("UPDATE outbox SET next_try_at = now() WHERE state = 'queued'"));

describe('a webhook', () => {
  test('gets what passed a cap, signed so that the SDK takes it and refuses it when changed or old', async () => {
    const made = await create({ url: receiver.url });
    expect([made.status, made.body.secret]).toEqual([201, expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/)]);
    await passCap();
    await outbox.drain();
    const [delivery] = receiver.arrived;
    if (delivery === undefined) throw new Error('nothing arrived');
    const { body, headers } = delivery;
    const message = await verifyWebhook(body, headers, made.body.secret);
    expect(message).toEqual({
      id: headers['webhook-id'],
      type: 'cap.near',
      created_at: expect.any(String),
      company: { id: company.id, external_id: company.externalId, name: expect.any(String) },
      data: {
        alert: expect.stringMatching(/^alr_/),
        period: 'day',
        period_start: expect.stringMatching(/T00:00:00\.000Z$/),
        resets_at: expect.stringMatching(/T00:00:00\.000Z$/),
        threshold: 80,
        cap_usd: '10',
        spent_usd: '8.04',
        reserved_usd: '0.09',
        cause: 'spent',
      },
    });
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'user-agent': 'Ownkey/1.2.3' });
    await expect(verifyWebhook(body.replace('8.04', '9.04'), headers, made.body.secret)).rejects.toThrow('signature');
    const later = { now: new Date(Date.now() + 301_000) };
    await expect(verifyWebhook(body, headers, made.body.secret, later)).rejects.toThrow('timestamp');
    const [alert] = (await plane.call('GET', '/api/alerts', company.admin)).body.data;
    expect(alert).toMatchObject({ type: 'cap.near', threshold: 80, webhooks: { queued: 0, sent: 1, failed: 0 } });
  });

  test('that refuses for a while gets the same delivery again: same id, same body, a new time', async () => {
    const { body: made } = await create({ url: `${receiver.url}?token=a%20b` });
    await passCap();
    receiver.answers = [{ status: 500 }, { status: 302, headers: { location: receiver.url } }, { status: 204 }];
    for (let round = 0; round < 4; round++) {
      await outbox.drain();
      await makeDue();
    }
    expect(receiver.arrived.map(({ path }) => path)).toEqual([
      '/hook?token=a%20b',
      '/hook?token=a%20b',
      '/hook?token=a%20b',
    ]);
    expect(new Set(receiver.arrived.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(new Set(receiver.arrived.map(({ body }) => body)).size).toBe(1);
    const [delivery] = await deliveries(made.id);
    expect(delivery).toMatchObject({ event: 'cap.near', state: 'sent', attempts: 3, status: 204, next_try_at: null });
    const [row] = (await plane.call('GET', '/api/webhooks', company.admin)).body.data;
    expect(row).toMatchObject({ id: made.id, last_status: 204, last_delivered_at: expect.any(String) });
    expect(row).not.toHaveProperty('secret');
  });

  test('shows the status of an answer, and never its text', async () => {
    const { body: made } = await create({ url: receiver.url });
    receiver.answers = [{ status: 418, headers: { 'x-inside': 'TEAPOT' }, body: 'TEAPOT'.repeat(50_000) }];
    await plane.call('POST', `/api/webhooks/${made.id}/test`, company.admin);
    await outbox.drain();
    const answer = await plane.call('GET', `/api/webhooks/${made.id}/deliveries`, company.admin);
    expect(answer.body.data[0]).toMatchObject({ event: 'webhook.test', state: 'queued', status: 418 });
    expect(answer.text).not.toContain('TEAPOT');
    const [stored] = await plane.database.everywhere((sql) =>
      sql.rows<{ all: string }>('SELECT o::text AS all FROM outbox o'),
    );
    expect(stored?.all).not.toContain('TEAPOT');
  });

  test('is tested by one delivery, however often somebody presses', async () => {
    const { body: made } = await create({ url: receiver.url, events: ['cap.reached'] });
    const pressed = await Promise.all(
      Array.from({ length: 3 }, () => plane.call('POST', `/api/webhooks/${made.id}/test`, company.admin)),
    );
    expect(pressed.map(({ status }) => status)).toEqual([202, 202, 202]);
    await outbox.drain();
    const ids = new Set(pressed.map(({ body }) => body.id));
    expect(ids.size).toBeLessThanOrEqual(2); // two when the presses lay around the end of five seconds
    expect(receiver.arrived.map(({ headers }) => headers['webhook-id']).sort()).toEqual([...ids].sort());
  });

  test('gets the events it listens to, and nothing while it is off or once it is removed', async () => {
    const { body: other } = await create({ url: receiver.url, events: ['cap.reached'] });
    const { body: off } = await create({ url: receiver.url });
    const { body: removed } = await create({ url: receiver.url });
    await plane.call('PATCH', `/api/webhooks/${off.id}`, company.admin, { enabled: false });
    await passCap();
    await outbox.tell();
    expect(await deliveries(removed.id)).toHaveLength(1);
    expect((await plane.call('DELETE', `/api/webhooks/${removed.id}`, company.admin)).status).toBe(204);
    await outbox.drain();
    expect(receiver.arrived).toEqual([]);
    expect([await deliveries(other.id), await deliveries(off.id)]).toEqual([[], []]);
  });

  test('is given up after a day', async () => {
    const { body: made } = await create({ url: receiver.url });
    receiver.answers = [{ status: 500 }];
    await passCap();
    await outbox.drain();
    const owner = await plane.postgres.connect('superuser');
    await owner.query("UPDATE ownkey.outbox SET give_up_at = give_up_at - interval '24 hours' WHERE target = $1", [
      made.id,
    ]);
    await outbox.drain();
    const [delivery] = await deliveries(made.id);
    expect(delivery).toMatchObject({ state: 'failed', attempts: 1, status: 500 });
  });

  test('its secret is stored encrypted, and bound to its row', async () => {
    const { body: made } = await create({ url: receiver.url });
    const { body: second } = await create({ url: receiver.url });
    const rows = await plane.database.everywhere((sql) =>
      sql.rows<{ all: string }>('SELECT w::text AS all FROM webhooks w'),
    );
    const raw = Buffer.from(String(made.secret).slice(6), 'base64').toString('hex');
    for (const { all } of rows) {
      expect(all).not.toContain(raw);
      expect(all).not.toContain(Buffer.from(String(made.secret)).toString('hex'));
    }
    const owner = await plane.postgres.connect('superuser');
    await owner.query(
      'UPDATE ownkey.webhooks SET secret = (SELECT secret FROM ownkey.webhooks WHERE id = $2) WHERE id = $1',
      [second.id, made.id],
    );
    await plane.call('POST', `/api/webhooks/${second.id}/test`, company.admin);
    await outbox.drain();
    expect((await deliveries(second.id))[0]).toMatchObject({ state: 'failed', status: null });
    expect(receiver.arrived).toEqual([]);
  });

  test('a company has at most ten', async () => {
    const made = await Promise.all(Array.from({ length: 12 }, () => create({ url: receiver.url })));
    expect(made.filter(({ status }) => status === 201)).toHaveLength(10);
    expect(made.find(({ status }) => status !== 201)?.body.code).toBe('webhook.too_many');
  });

  test('is for admins, and each of its acts is in the audit without the secret or the path', async () => {
    expect((await create({ url: receiver.url }, company.member)).body.code).toBe('auth.scope');
    const { body: made } = await create({ url: `${receiver.url}?token=t0ps3cret` });
    await plane.call('DELETE', `/api/webhooks/${made.id}`, company.admin);
    const { text, body } = await plane.call('GET', '/api/audit', company.admin);
    const kinds = body.data.map(({ kind }: { kind: string }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(['webhook.created', 'webhook.removed']));
    expect(text).not.toContain('t0ps3cret');
  });
});

describe('an address is refused', () => {
  const BAD: [string, string][] = [
    ['plain http', 'http://hooks.example.com/'],
    ['another scheme', 'ftp://hooks.example.com/'],
    ['a script', 'javascript:alert(1)'],
    ['a name inside', 'https://localhost/'],
    ['loopback', 'https://127.0.0.1/'],
    ['loopback in another form', 'https://2130706433/'],
    ['loopback, IPv6', 'https://[::1]/'],
    ['the metadata service', 'https://169.254.169.254/latest'],
    ['a private network', 'https://10.0.0.1/'],
    ['an unlisted port', 'https://hooks.example.com:22/'],
    ['a user name', 'https://user:pass@hooks.example.com/'],
    ['a fragment', 'https://hooks.example.com/#x'],
    ['a fragment after a query', 'https://hooks.example.com/?a=1#x'],
    ['a line in the query', 'https://hooks.example.com/?a=1\r\nx-y: z'],
    ['an unknown name', 'https://unknown.example.com/'],
    ['a name that leads inside', 'https://rebind.example.com/'],
    ['a name with one address inside', 'https://mixed.example.com/'],
  ];
  test.each(BAD)('%s', async (_, url) => {
    names.set('rebind.example.com', ['10.0.0.1']);
    names.set('mixed.example.com', ['93.184.215.14', '127.0.0.1']);
    const answer = await create({ url });
    expect([answer.status, answer.body.code]).toEqual([400, 'webhook.refused']);
    expect(answer.text).not.toMatch(/10\.0\.0\.1|ENOTFOUND/);
    const { body: made } = await create({ url: receiver.url });
    expect((await plane.call('PATCH', `/api/webhooks/${made.id}`, company.admin, { url })).body.code).toBe(
      'webhook.refused',
    );
  });

  test('an unknown name and one that leads inside answer alike', async () => {
    names.set('rebind.example.com', ['10.0.0.1']);
    const strip = async (url: string) => ({ ...(await create({ url })).body, request_id: '' });
    expect(await strip('https://unknown.example.com/')).toEqual(await strip('https://rebind.example.com/'));
  });

  test.each([
    [{}],
    [{ url: 1 }],
    [{ url: 'https://hooks.example.com/', events: [] }],
    [{ url: 'https://hooks.example.com/', events: ['key.removed'] }],
    [{ url: 'https://hooks.example.com/', secret: 'mine' }],
  ])('a body of another form: %j', async (body) => {
    expect((await create(body)).body.code).toBe('request.invalid');
  });

  test('at the delivery, when its name leads inside since it was saved: nothing is connected', async () => {
    const { body: made, status } = await create({ url: 'https://hooks.example.com/' });
    expect(status).toBe(201);
    names.set('hooks.example.com', ['127.0.0.1']);
    await plane.call('POST', `/api/webhooks/${made.id}/test`, company.admin);
    await outbox.drain();
    expect((await deliveries(made.id))[0]).toMatchObject({ state: 'queued', attempts: 1, status: null });
    const [row] = await plane.database.everywhere((sql) =>
      sql.rows<{ last_error: string }>('SELECT last_error FROM outbox WHERE target = $1', [made.id]),
    );
    expect(row?.last_error).toBe('address: address');
  });

  test('a listed name may lead inside, and is asked for once a delivery', async () => {
    let asked = 0;
    names.get = (host: string) => {
      asked += 1;
      // The second answer would lead elsewhere.
      return host === 'inside.example.com' ? (asked % 2 === 1 ? ['127.0.0.1'] : ['169.254.169.254']) : undefined;
    };
    try {
      const url = receiver.url.replace('127.0.0.1', 'inside.example.com');
      const { body: made, status } = await create({ url });
      expect([status, asked]).toEqual([201, 1]);
      asked = 0;
      await plane.call('POST', `/api/webhooks/${made.id}/test`, company.admin);
      await outbox.drain();
      expect(asked).toBe(1);
      expect(receiver.arrived[0]?.headers.host).toBe(new URL(url).host);
    } finally {
      names.get = Map.prototype.get;
    }
  });
});
