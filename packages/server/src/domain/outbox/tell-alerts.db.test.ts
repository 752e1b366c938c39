import { describe, expect, test } from 'vitest';
import { useControlPlane } from '../../../../../tests/kit/control-plane.ts';
import { useMailPeer } from '../../../../../tests/kit/mail-peer.ts';
import { DOLLAR, useOutboxBench } from '../../../../../tests/kit/outbox.ts';

const plane = useControlPlane();
const peer = useMailPeer();
const bench = useOutboxBench(plane, peer);

describe('telling', () => {
  test('80 % and 100 % of day and month: one mail each, however often they are noted', async () => {
    const outbox = bench.server();
    for (const kind of ['day', 'month'] as const) {
      for (const spent of [8n, 8n, 9n]) await bench.spend(spent * DOLLAR, { kind });
      await outbox.drain();
      for (const spent of [10n, 11n]) await bench.spend(spent * DOLLAR, { kind });
      await outbox.drain();
    }
    expect(peer.mails.map(({ subject }) => subject.replace(/^Company \S+: /, ''))).toEqual([
      "80 % of today's AI cap used ($8.00 of $10.00)",
      "AI is paused until 00:00 UTC, today's cap of $10.00 is reached",
      "80 % of this month's AI cap used ($8.00 of $10.00)",
      expect.stringMatching(/^AI is paused until 1 \w{3}, 00:00 UTC, this month's cap of \$10\.00 is reached$/),
    ]);
  });

  test('both thresholds passed at once are one mail', async () => {
    await bench.spend(12n * DOLLAR);
    await bench.server().drain();
    expect(peer.mails.map(({ subject }) => subject)).toEqual([expect.stringContaining('AI is paused')]);
  });

  test('a cap lowered below what is used is one mail, which says who lowered it', async () => {
    await bench.owner.query(
      `INSERT INTO meters (company_id, meter, kind, start, settled, cap)
       VALUES ($1, '', 'day', date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', 9910000000, 20000000000)`,
      [bench.company.id],
    );
    await bench.owner.query("UPDATE users SET name = 'Ana Silva' WHERE id = $1", [bench.company.adminId]);
    const lowered = JSON.stringify([{ meter: '', kind: 'day', cap: String(5n * DOLLAR) }]);
    for (const _ of [1, 2])
      await plane.database.tenant(bench.company.id, (sql) =>
        sql.rows('SELECT meet_caps($1, $2, $3)', [bench.company.id, bench.company.adminId, lowered]),
      );
    await bench.server().drain();
    expect(peer.mails).toHaveLength(1);
    expect(peer.mails[0]?.subject).toContain('because Ana Silva lowered it to $5.00');
    expect(peer.mails[0]?.text).toContain('Spent $9.91.');
  });

  test('goes to the recipients of the settings, else to the admins who have an address, each once', async () => {
    await bench.setRecipients(
      bench.company,
      'a@example.com',
      'B@example.com',
      'b@example.com',
      'not an address',
      'x@y.com\r\nBcc: z@y.com',
    );
    await bench.spend(8n * DOLLAR);
    await bench.server().drain();
    expect(peer.mails.flatMap(({ to }) => to).sort()).toEqual(['a@example.com', 'b@example.com']);
    peer.mails.length = 0;
    await bench.setRecipients(bench.company);
    await bench.owner.query("UPDATE users SET email = 'ana@example.com' WHERE id = $1", [bench.company.adminId]);
    await bench.owner.query("UPDATE users SET email = 'max@example.com' WHERE id = $1", [bench.company.memberId]);
    await bench.spend(10n * DOLLAR);
    await bench.server().drain();
    expect(peer.mails.map(({ to }) => to)).toEqual([['ana@example.com']]);
  });

  test('names the dearest operations of the period', async () => {
    const rows = [
      ['mail.draft', '6200000000'],
      ['', '10000000'],
      ['<b>x</b>', '500000000'],
      ['reviews.summary', '2910000000'],
    ];
    for (const [operation, cost] of rows)
      await bench.owner.query(
        `INSERT INTO usage_hourly (company_id, hour, provider, slug, model, operation, user_id, key_id, key_source, cost_nano_usd)
         VALUES ($1, date_trunc('hour', now()), 'x', 'x', 'x', $2, '', '', 'own', $3)`,
        [bench.company.id, operation, cost],
      );
    await bench.spend(10n * DOLLAR);
    await bench.server().drain();
    expect(peer.mails[0]?.text).toContain('Most: mail.draft $6.20, reviews.summary $2.91, <b>x</b> $0.50.');
    expect(peer.mails[0]?.html).toContain('&lt;b&gt;x&lt;/b&gt; $0.50');
    expect(peer.mails[0]?.html).not.toContain('<b>');
  });

  test('two servers at once send each mail once, all of them', async () => {
    const companies = await Promise.all(Array.from({ length: 12 }, () => plane.createCompany()));
    for (const one of companies) {
      await bench.owner.query('UPDATE companies SET settings = $2 WHERE id = $1', [
        one.id,
        { notice_recipients: [`first@${one.externalId}.com`, `second@${one.externalId}.com`] },
      ]);
      await bench.spend(8n * DOLLAR, { company: one });
    }
    await Promise.all([bench.server().drain(), bench.server().drain()]);
    const expected = companies.flatMap(({ externalId }) => [`first@${externalId}.com`, `second@${externalId}.com`]);
    expect(peer.mails.flatMap(({ to }) => to).sort()).toEqual(expected.sort());
  });

  test('an alert of a company that is gone stops nothing', async () => {
    await bench.owner.query(
      `INSERT INTO alerts (company_id, meter, kind, start, threshold, cap_nano_usd, settled_nano_usd, reserved_nano_usd, cause)
       VALUES ('co_gone', '', 'day', now(), 80, 1, 1, 0, 'spent')`,
    );
    await bench.spend(8n * DOLLAR);
    await bench.server().drain();
    expect(peer.mails).toHaveLength(1);
    const { rows } = await bench.owner.query('SELECT 1 FROM alerts WHERE told_at IS NULL AND NOT silent');
    expect(rows).toEqual([]);
  });

  test('an alert that cannot be told leaves the others, and is told once it can', async () => {
    await bench.owner.query(`ALTER TABLE outbox ADD CONSTRAINT broken CHECK (company_id <> '${bench.company.id}')`);
    const other = await plane.createCompany();
    await bench.owner.query('UPDATE companies SET settings = $2 WHERE id = $1', [
      other.id,
      { notice_recipients: ['o@example.com'] },
    ]);
    await bench.spend(8n * DOLLAR);
    await bench.spend(8n * DOLLAR, { company: other });
    await bench.server().drain();
    expect(peer.mails.map(({ to }) => to)).toEqual([['o@example.com']]);
    await bench.owner.query('ALTER TABLE outbox DROP CONSTRAINT broken');
    await bench.server().drain();
    expect(peer.mails).toHaveLength(2);
  });
});
