import { EventEmitter, once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { useControlPlane } from '../../../../../tests/kit/control-plane.ts';
import { useMailPeer } from '../../../../../tests/kit/mail-peer.ts';
import { DOLLAR, useOutboxBench } from '../../../../../tests/kit/outbox.ts';
import { createSmtpMailer, type Mailer } from '../../platform/mailer.ts';
import { startDispatcher } from './dispatcher.ts';
import { claimDue, delayAfter, removeOldEntries } from './store.ts';

const plane = useControlPlane();
const peer = useMailPeer();
const bench = useOutboxBench(plane, peer);

describe('sending', () => {
  test('a mail server that refuses for a while: nothing is lost, and nothing is sent twice', async () => {
    const outbox = bench.server();
    await bench.setRecipients(bench.company, ...Array.from({ length: 5 }, (_, i) => `p${i}@example.com`));
    await bench.spend(8n * DOLLAR);
    peer.answer = 451;
    for (let round = 1; round <= 4; round++) {
      await outbox.drain();
      expect(await bench.states()).toEqual(Array.from({ length: 5 }, () => ({ state: 'queued', attempts: round })));
      await bench.makeDue();
    }
    peer.answer = null;
    await outbox.drain();
    await outbox.drain();
    expect(peer.mails.flatMap(({ to }) => to).sort()).toEqual([0, 1, 2, 3, 4].map((i) => `p${i}@example.com`));
    expect(await bench.states()).toEqual(Array.from({ length: 5 }, () => ({ state: 'sent', attempts: 5 })));
  });

  test('no mail server at all: the next try is later, by seconds at first and a quarter of an hour at last', async () => {
    await bench.spend(8n * DOLLAR);
    const nowhere = createSmtpMailer('smtp://127.0.0.1:1', { name: '', address: 'no-reply@example.com' });
    await bench.server(nowhere).drain();
    const { rows } = await bench.owner.query(
      "SELECT attempts, next_try_at > now() + interval '5 seconds' AS later, last_error FROM outbox",
    );
    expect(rows).toEqual([{ attempts: 1, later: true, last_error: expect.stringMatching(/ESOCKET|ECONN/) }]);
    expect([1, 2, 3, 20].map((attempts) => [delayAfter(attempts, 0), delayAfter(attempts, 1)])).toEqual([
      [7.5, 15],
      [15, 30],
      [30, 60],
      [450, 900],
    ]);
  });

  test('a server that died with a mail in hand: another takes it when the lease is over, not before', async () => {
    await bench.spend(8n * DOLLAR);
    await bench.server().tell();
    const [taken] = await claimDue(plane.database, 'mail', 10);
    expect(taken?.attempts).toBe(1);
    const other = bench.server();
    await other.drain();
    expect(peer.mails).toEqual([]);
    await bench.owner.query("UPDATE outbox SET leased_until = now() - interval '1 second'");
    await other.drain();
    expect(peer.mails).toHaveLength(1);
    expect(await bench.states()).toEqual([{ state: 'sent', attempts: 2 }]);
  });

  test('a server that died between the mail server’s yes and its note: the second mail has the Message-ID of the first', async () => {
    await bench.spend(8n * DOLLAR);
    peer.answer = 'lose';
    await bench.server().drain();
    expect(peer.mails).toHaveLength(1);
    peer.answer = null;
    await bench.makeDue();
    await bench.server().drain();
    expect(peer.mails).toHaveLength(2);
    const ids = peer.mails.map(({ headers }) => headers['message-id']);
    expect(ids[0]).toMatch(/^<msg_[0-9a-z]{26}@example\.com>$/);
    expect(ids[1]).toBe(ids[0]);
  });

  test('a mail that arrived while its note failed is noted later, not sent again', async () => {
    await bench.spend(8n * DOLLAR);
    const outbox = bench.server();
    await bench.owner.query("ALTER TABLE outbox ADD CONSTRAINT broken CHECK (state <> 'sent')");
    await outbox.drain();
    expect(await bench.states()).toEqual([{ state: 'queued', attempts: 1 }]);
    await bench.owner.query('ALTER TABLE outbox DROP CONSTRAINT broken');
    await bench.owner.query("UPDATE outbox SET leased_until = now() - interval '1 second'");
    await outbox.drain();
    expect(await bench.states()).toEqual([{ state: 'sent', attempts: 2 }]);
    expect(peer.mails).toHaveLength(1);
  });

  test('after three days of tries a mail is given up, visibly', async () => {
    await bench.spend(8n * DOLLAR);
    peer.answer = 451;
    const outbox = bench.server();
    await outbox.drain();
    const { rows } = await bench.owner.query('SELECT give_up_at - created_at AS tried FROM outbox');
    expect(rows[0]?.tried).toMatchObject({ days: 3 });
    await bench.owner.query("UPDATE outbox SET give_up_at = now() + interval '1 second', next_try_at = now()");
    await outbox.drain();
    expect(await bench.states()).toEqual([{ state: 'failed', attempts: 2 }]);
    const answer = await plane.call('GET', '/api/operator/health', await plane.createOperatorHeaders());
    expect(answer.body.outbox).toMatchObject({ mail: 'none', mails: { queued: 0, failed: 1 } });
    expect(bench.logLines.some((line) => line.includes('given up'))).toBe(true);
  });

  test('without a mail server nothing is tried, and all of it waits', async () => {
    await bench.spend(8n * DOLLAR);
    await bench.server(null).drain();
    expect(await bench.states()).toEqual([{ state: 'queued', attempts: 0 }]);
    const answer = await plane.call('GET', '/api/operator/health', await plane.createOperatorHeaders());
    expect(answer.body.outbox.mails).toEqual({ queued: 1, failed: 0, oldest_queued_at: expect.any(String) });
  });

  test('what was sent 30 days ago is removed, what waits is not', async () => {
    await bench.setRecipients(bench.company, 'a@example.com', 'b@example.com');
    await bench.spend(8n * DOLLAR);
    await bench.server(null).drain();
    await bench.owner.query("UPDATE outbox SET created_at = now() - interval '31 days'");
    await bench.owner.query("UPDATE outbox SET state = 'sent' WHERE target = 'a@example.com'");
    await plane.database.everywhere((sql) => removeOldEntries(sql));
    expect((await bench.owner.query('SELECT target FROM outbox')).rows).toEqual([{ target: 'b@example.com' }]);
  });
});

test('an alert is told as soon as the ledger notes it, and a dispatcher that stops leaves no connection', async () => {
  const sent = new EventEmitter();
  const mailer: Mailer = { send: async ({ to }) => void sent.emit('mail', to), close: () => {} };
  const arrived = once(sent, 'mail');
  const dispatcher = startDispatcher(bench.server(mailer), plane.postgres.controlUrl, bench.log);
  try {
    await bench.spend(8n * DOLLAR);
    expect(await arrived).toEqual(['ops@example.com']);
  } finally {
    await dispatcher.stop();
  }
  expect(await bench.states()).toEqual([{ state: 'sent', attempts: 1 }]);
});
