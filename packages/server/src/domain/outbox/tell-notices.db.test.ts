import { newId } from '@ownkey/contract/ids';
import { beforeEach, describe, expect, test } from 'vitest';
import { useControlPlane } from '../../../../../tests/kit/control-plane.ts';
import { useMailPeer } from '../../../../../tests/kit/mail-peer.ts';
import { useOutboxBench } from '../../../../../tests/kit/outbox.ts';

const plane = useControlPlane();
const peer = useMailPeer();
const bench = useOutboxBench(plane, peer);

let webhook: string;

beforeEach(async () => {
  webhook = newId('webhook');
  await bench.owner.query(
    `INSERT INTO webhooks (id, company_id, url, secret, events)
     VALUES ($1, $2, 'https://hooks.example.com', 'x', '{key.invalid,key.recovered,fallback.started,fallback.ended}')`,
    [webhook, bench.company.id],
  );
});

async function addKey(user: string | null = null): Promise<string> {
  const id = newId('key');
  await bench.owner.query(
    `INSERT INTO keys (id, owner, company_id, user_id, provider, destination, status, last4)
     VALUES ($1, $2, $3, $4, 'openai', 'catalogue:openai', 'valid', '1a2b')`,
    [id, user === null ? 'company' : 'user', bench.company.id, user],
  );
  return id;
}
const setStatus = (id: string, status: string, words: string | null = null) =>
  bench.owner.query('UPDATE keys SET status = $2, status_detail = $3 WHERE id = $1', [
    id,
    status,
    words === null ? null : JSON.stringify({ provider_message: words, http_status: 401 }),
  ]);
const fallBack = (id: string, reason = 'key_rejected') =>
  bench.owner.query("SELECT open_notice('fallback', k, $2, 'system') FROM keys k WHERE id = $1", [id, reason]);
const endFallback = (id: string) =>
  bench.owner.query("SELECT end_notices($1, 'recovered', '{fallback}', 'system')", [id]);
const age = (minutes: number) =>
  bench.owner.query('UPDATE notices SET started_at = started_at - make_interval(mins => $1)', [minutes]);
const subjects = () => peer.mails.map(({ subject }) => subject.replace(/^Company \S+: /, ''));
const deliveries = async () =>
  (await bench.owner.query("SELECT event, payload FROM outbox WHERE channel = 'webhook' ORDER BY id")).rows;
const events = async () => (await deliveries()).map(({ event }) => event);

describe('telling of a key', () => {
  test('that it fails and that it works again: one mail and one delivery each, with its last four and no more', async () => {
    const id = await addKey();
    await setStatus(id, 'invalid', 'Incorrect API key provided');
    await bench.server().drain();
    await bench.server().drain();
    await setStatus(id, 'valid');
    await bench.server().drain();
    expect(subjects()).toEqual(['your OpenAI key is rejected', 'your OpenAI key works again']);
    expect(peer.mails[0]?.to).toEqual(['ops@example.com']);
    expect(peer.mails[0]?.text).toContain('rejects your key ••••1a2b since');
    expect(peer.mails[0]?.text).toContain('“Incorrect API key provided” (401)');
    expect(await events()).toEqual(['key.invalid', 'key.recovered']);
    const [begun, ended] = (await deliveries()).map(({ payload }) => payload.data);
    expect(begun).toEqual({
      notice: expect.stringMatching(/^ntc_/),
      reason: 'invalid',
      provider: 'openai',
      key: id,
      last4: '1a2b',
      started_at: expect.any(String),
      ended_at: null,
      resolution: null,
      calls: null,
      cost_usd: null,
    });
    expect(ended).toMatchObject({ notice: begun.notice, resolution: 'recovered', calls: 0, cost_usd: '0' });
    expect(ended.ended_at).not.toBeNull();
  });

  test('that began and ended before anybody was told: both, in order', async () => {
    const id = await addKey();
    await setStatus(id, 'no_credit');
    await setStatus(id, 'valid');
    await bench.server().drain();
    expect(await events()).toEqual(['key.invalid', 'key.recovered']);
    expect((await deliveries())[0].payload.data.reason).toBe('no_credit');
  });

  test.each(['unreachable', 'rate_limited'])(
    'that is %s: nobody in the first quarter of an hour, then everybody',
    async (status) => {
      const id = await addKey();
      await setStatus(id, status);
      await age(14);
      await bench.server().drain();
      expect(await events()).toEqual([]);
      await age(2);
      await bench.server().drain();
      expect(await events()).toEqual(['key.invalid']);
      expect(peer.mails).toHaveLength(1);
    },
  );

  test('that stumbled for a moment: nobody, ever', async () => {
    const id = await addKey();
    await setStatus(id, 'unreachable');
    await setStatus(id, 'valid');
    await bench.server().drain();
    await age(60);
    await bench.server().drain();
    expect(await events()).toEqual([]);
    expect((await bench.owner.query('SELECT 1 FROM notices WHERE end_told_at IS NULL')).rows).toEqual([]);
  });

  test('that stumbled and then was rejected: that it is rejected', async () => {
    const id = await addKey();
    await setStatus(id, 'unreachable');
    await bench.server().drain();
    await setStatus(id, 'invalid');
    await bench.server().drain();
    expect(subjects()).toEqual(['your OpenAI key is rejected']);
  });

  test('that was removed or turned off: not that it works', async () => {
    const [removed, off] = [await addKey(), await addKey()];
    for (const id of [removed, off]) await setStatus(id, 'invalid');
    await bench.server().drain();
    await bench.owner.query('DELETE FROM keys WHERE id = $1', [removed]);
    await bench.owner.query('UPDATE keys SET enabled = false WHERE id = $1', [off]);
    await bench.server().drain();
    expect(await events()).toEqual(['key.invalid', 'key.invalid']);
  });

  test('of a person: that person alone, and no webhook of the company', async () => {
    await bench.owner.query("UPDATE users SET email = 'max@example.com' WHERE id = $1", [bench.company.memberId]);
    const id = await addKey(bench.company.memberId);
    await setStatus(id, 'invalid');
    await fallBack(id);
    await bench.server().drain();
    expect(peer.mails.flatMap(({ to }) => to)).toEqual(['max@example.com']);
    expect(peer.mails[0]?.text).toContain('Sent to you alone');
    expect(await events()).toEqual([]);
  });

  test('that comes and goes: one mail of each kind an hour, every time to the webhook', async () => {
    const id = await addKey();
    for (const _ of [1, 2, 3]) {
      await setStatus(id, 'invalid');
      await setStatus(id, 'valid');
    }
    // All within one hour, wherever in it this runs.
    await bench.owner.query(
      "UPDATE notices SET started_at = date_trunc('hour', started_at), ended_at = date_trunc('hour', started_at) + interval '1 minute'",
    );
    await bench.server().drain();
    expect(peer.mails).toHaveLength(2);
    expect((await events()).sort()).toEqual([...Array(3).fill('key.invalid'), ...Array(3).fill('key.recovered')]);
  });
});

describe('telling of a fallback', () => {
  test('says who pays and why at its beginning, and what it came to at its end', async () => {
    const id = await addKey();
    await fallBack(id, 'outage');
    await bench.server().drain();
    await bench.owner.query(
      `INSERT INTO requests (day, id, company_id, kind, key_source, provider, slug, model, state, created_at, fallback_for, fallback_reason,
         http_status, cost_nano_usd) SELECT current_date, 'req_' || i, $1, 'call', 'platform', 'openai', 'openai', 'm', 'settled',
         now(), $2, 'outage', CASE i WHEN 3 THEN 500 ELSE 200 END, 1500000000 FROM generate_series(1, 3) i`,
      [bench.company.id, id],
    );
    await endFallback(id);
    await bench.server().drain();
    expect(subjects()).toEqual([
      "OpenAI runs on Leads's shared key, your key is not answering",
      'your OpenAI key works again',
    ]);
    expect(peer.mails[1]?.text).toContain("Leads's shared key answered 2 requests ($3.00).");
    expect(await events()).toEqual(['fallback.started', 'fallback.ended']);
    expect((await deliveries())[1].payload.data).toMatchObject({ calls: 2, cost_usd: '3', reason: 'outage' });
  });

  test('and of its key at the same time is one mail at each end, and both events', async () => {
    const id = await addKey();
    await fallBack(id);
    await setStatus(id, 'invalid');
    await bench.server().drain();
    await setStatus(id, 'valid');
    await bench.server().drain();
    expect(peer.mails).toHaveLength(2);
    expect((await events()).sort()).toEqual(['fallback.ended', 'fallback.started', 'key.invalid', 'key.recovered']);
  });

  test('that ended because somebody decided anew: says so, not that the key works', async () => {
    const id = await addKey();
    await fallBack(id);
    await bench.server().drain();
    await bench.owner.query("SELECT end_notices($1, 'switched', '{fallback}', 'system')", [id]);
    await bench.server().drain();
    expect(subjects()[1]).toBe('the fallback of OpenAI has ended, who pays was decided anew');
  });
});

test('two servers at once tell each notice once', async () => {
  for (const _ of Array(8)) await setStatus(await addKey(), 'invalid');
  await Promise.all([bench.server().drain(), bench.server().drain()]);
  expect(peer.mails).toHaveLength(8);
  expect(await events()).toHaveLength(8);
});

test('a notice that cannot be told leaves the others, and is told once it can', async () => {
  const [broken, other] = [await addKey(), await addKey()];
  await bench.owner.query(`ALTER TABLE outbox ADD CONSTRAINT broken CHECK (dedupe_key NOT LIKE '%${broken}%')`);
  await setStatus(broken, 'invalid');
  await setStatus(other, 'invalid');
  await bench.server().drain();
  expect(peer.mails).toHaveLength(1);
  await bench.owner.query('ALTER TABLE outbox DROP CONSTRAINT broken');
  await bench.server().drain();
  expect(peer.mails).toHaveLength(2);
});
