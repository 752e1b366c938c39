import { retain } from '@ownkey/server/domain/retention/retention';
import { openDatabase } from '@ownkey/server/storage/database';
import { AuditSealer } from '@ownkey/worker/audit/sealer';
import { verifyCompany } from '@ownkey/worker/audit/verify';
import { sqlOf } from '@ownkey/worker/database';
import { beforeEach, describe, expect, test } from 'vitest';
import { testRing } from '../kit/egress.ts';
import { holdOf, settlement, useLedger } from '../kit/ledger.ts';
import { quiet } from '../kit/quiet-log.ts';

/** A record that is shortened at its beginning stays one that verifies, and one that nobody else can shorten unseen. */
const kit = useLedger();
const ring = testRing();

beforeEach(async () => {
  await kit.owner.query("UPDATE installation SET settings = settings - 'policies'");
});

async function call(): Promise<string> {
  const hold = holdOf(await kit.ask());
  await kit.ledger.settle(hold, settlement(5n));
  return hold.id;
}

/** Other databases of the same server hold the sealing line back for moments. */
async function sealAll(): Promise<void> {
  const sealer = new AuditSealer({ pool: kit.pool, kekRing: ring, log: quiet });
  await expect
    .poll(
      async () => {
        await sealer.sealAll();
        const { rows } = await kit.owner.query(
          `SELECT count(*)::int AS left FROM audit_events e LEFT JOIN audit_chain c ON c.event_id = e.id
         WHERE e.company_id = $1 AND c.n IS NULL`,
          [kit.companyId],
        );
        return rows[0].left;
      },
      { timeout: 15_000 },
    )
    .toBe(0);
}

/** Calls of 100 days ago, sealed then; and of today. */
async function seedYears(): Promise<{ old: string[]; young: string[] }> {
  await kit.setClock(new Date(Date.now() - 100 * 86_400_000).toISOString());
  const old = [await call(), await call(), await call()];
  await sealAll();
  await kit.owner.query("UPDATE audit_heads SET at = at - interval '100 days' WHERE company_id = $1", [kit.companyId]);
  await kit.setClock(null);
  const young = [await call(), await call()];
  await sealAll();
  return { old, young };
}

const keepDays = (days: number | null): Promise<unknown> =>
  kit.owner.query(
    "UPDATE companies SET settings = settings || jsonb_build_object('audit_retention_days', $2::int) WHERE id = $1",
    [kit.companyId, days],
  );

async function runRetention() {
  const database = openDatabase(kit.controlUrl, 2);
  try {
    return await retain(database);
  } finally {
    await database.close();
  }
}

async function calls(): Promise<string[]> {
  const { rows } = await kit.owner.query('SELECT id FROM requests WHERE company_id = $1 ORDER BY id', [kit.companyId]);
  return rows.map(({ id }) => id);
}

const verify = () => verifyCompany(sqlOf(kit.pool), ring, kit.companyId);

test('entries and calls that are kept no longer go, the others stay, and the record verifies', async () => {
  const { young } = await seedYears();
  await keepDays(30);
  expect((await verify()).broken).toBeNull();
  expect((await runRetention()).records).toBe(3 * 2 + 3);
  expect(await calls()).toEqual(young.toSorted());
  const { rows } = await kit.owner.query('SELECT count(*)::int AS left FROM audit_events WHERE company_id = $1', [
    kit.companyId,
  ]);
  expect(rows[0].left).toBe(4);
  const report = await verify();
  expect(report).toMatchObject({ checked: 4, broken: null });
  expect(report.begins_on).toMatch(/^\d{4}-\d\d-\d\d$/);
  await call();
  await sealAll();
  expect(await verify()).toMatchObject({ checked: 6, broken: null });
  expect((await runRetention()).records).toBe(0);
});

test('a record whose every entry is gone verifies, and goes on from there', async () => {
  await kit.setClock(new Date(Date.now() - 100 * 86_400_000).toISOString());
  await call();
  await sealAll();
  await kit.owner.query("UPDATE audit_heads SET at = at - interval '100 days' WHERE company_id = $1", [kit.companyId]);
  await kit.setClock(null);
  // A new day's first look of a sealer writes the checkpoint, with nothing to seal.
  await new AuditSealer({ pool: kit.pool, kekRing: ring, log: quiet }).sealAll();
  await keepDays(30);
  await runRetention();
  expect(await verify()).toMatchObject({ checked: 0, broken: null });
  await call();
  await sealAll();
  expect(await verify()).toMatchObject({ checked: 2, broken: null });
});

describe('how long', () => {
  test('nothing goes where nothing is set, or where a company keeps its record for ever', async () => {
    await seedYears();
    expect((await runRetention()).records).toBe(0);
    await kit.owner.query(
      `UPDATE installation SET settings = settings || '{"policies": {"retention": {"audit_days": 30}}}'`,
    );
    await keepDays(null);
    expect((await runRetention()).records).toBe(0);
    expect((await calls()).length).toBe(5);
  });

  test("the operator's days hold where the company set none", async () => {
    await seedYears();
    await kit.owner.query(
      `UPDATE installation SET settings = settings || '{"policies": {"retention": {"audit_days": 30}}}'`,
    );
    await runRetention();
    expect((await calls()).length).toBe(2);
    expect((await verify()).broken).toBeNull();
  });

  test('entries younger than the limit stay', async () => {
    await seedYears();
    await keepDays(120);
    expect((await runRetention()).records).toBe(0);
  });
});

test('it verifies at every moment while it is being shortened, and a second server does the rest', async () => {
  await seedYears();
  await keepDays(30);
  const control = await kit.owner.query<{ cut_day: string }>(
    'SELECT cut_day::text FROM due_retention(10) WHERE company = $1',
    [kit.companyId],
  );
  const day = control.rows[0]?.cut_day;
  for (let removed = 1; removed > 0; ) {
    const { rows } = await kit.owner.query('SELECT retain_step($1, $2, 1) AS removed', [kit.companyId, day]);
    removed = rows[0].removed;
    expect((await verify()).broken).toBeNull();
  }
  expect((await calls()).length).toBe(2);
});

describe('somebody who writes to the database', () => {
  beforeEach(async () => {
    await seedYears();
    await keepDays(30);
    await runRetention();
    expect((await verify()).broken).toBeNull();
  });

  test.each([
    ['moves the beginning of the record', 'UPDATE audit_checkpoints SET n = n + 1 WHERE company_id = $1'],
    ['says it begins on another day', 'UPDATE audit_checkpoints SET day = day + 30 WHERE company_id = $1'],
    ['removes the checkpoint', 'DELETE FROM audit_checkpoints WHERE company_id = $1'],
    [
      'passes the checkpoint off as the head',
      `WITH gone AS (DELETE FROM audit_chain WHERE company_id = $1 RETURNING event_id),
         events AS (DELETE FROM audit_events e USING gone WHERE e.id = gone.event_id)
       UPDATE audit_heads h SET n = c.n, hash = c.hash, mac = c.mac FROM audit_checkpoints c
       WHERE h.company_id = $1 AND c.company_id = $1`,
    ],
  ])('is found out when it %s', async (_, statement) => {
    await kit.owner.query(statement, [kit.companyId]);
    expect((await verify()).broken).not.toBeNull();
  });
});

test('sums go as the operator says, never those of this month or the last', async () => {
  await kit.owner.query(
    `UPDATE installation SET settings = settings || '{"policies": {"retention": {"usage_days": 62}}}'`,
  );
  for (const ago of ['400 days', '0 days']) {
    await kit.owner.query(
      `INSERT INTO usage_hourly (company_id, hour, provider, slug, model, operation, user_id, key_id, key_source)
       VALUES ($1, date_trunc('hour', now() - $2::interval), 'x', 'x', 'x', '', '', '', 'own')`,
      [kit.companyId, ago],
    );
  }
  expect((await runRetention()).sums).toBeGreaterThan(0);
  const { rows } = await kit.owner.query(
    'SELECT hour > now() - interval $$1 day$$ AS young FROM usage_hourly WHERE company_id = $1',
    [kit.companyId],
  );
  expect(rows).toEqual([{ young: true }]);
});

describe('monthly partitions', () => {
  async function months(): Promise<string[]> {
    const { rows } = await kit.owner.query<{ name: string }>(
      "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'requests'::regclass ORDER BY 1",
    );
    return rows.map(({ name }) => name.replace(/^ownkey\./, '')).filter((name) => name !== 'requests_other');
  }
  const partitionOf = async (id: string): Promise<string> => {
    const { rows } = await kit.owner.query('SELECT tableoid::regclass::text AS name FROM requests WHERE id = $1', [id]);
    return rows[0].name.replace(/^ownkey\./, '');
  };

  test('are made two months ahead, over the end of a year and after months without a start', async () => {
    await kit.setClock('2031-11-30T23:59:59Z');
    await kit.owner.query('SELECT ensure_partitions()');
    expect(await months()).toEqual(
      expect.arrayContaining(['requests_2031_11', 'requests_2031_12', 'requests_2032_01']),
    );
    await kit.setClock('2031-12-01T00:00:01Z');
    const first = await call();
    expect(await partitionOf(first)).toBe('requests_2031_12');
    await kit.setClock('2032-07-15T12:00:00Z');
    const late = await call();
    expect(await partitionOf(late)).toBe('requests_other');
    await kit.owner.query('SELECT ensure_partitions()');
    expect(await partitionOf(late)).toBe('requests_2032_07');
    expect(await months()).toContain('requests_2032_09');
    await kit.owner.query('SELECT ensure_partitions()');
  });

  test('a call that is open while its month gets a partition is settled all the same', async () => {
    await kit.setClock('2033-03-10T00:00:00Z');
    const hold = holdOf(await kit.ask());
    await kit.owner.query('SELECT ensure_partitions()');
    expect(await partitionOf(hold.id)).toBe('requests_2033_03');
    await kit.ledger.settle(hold, settlement(7n));
    const { rows } = await kit.owner.query('SELECT state, cost_nano_usd FROM requests WHERE id = $1', [hold.id]);
    expect(rows).toEqual([{ state: 'settled', cost_nano_usd: '7' }]);
  });

  test('go as a whole when every record begins later, and never while one call of them is kept', async () => {
    await kit.setClock(new Date(Date.now() - 200 * 86_400_000).toISOString());
    await kit.owner.query('SELECT ensure_partitions()');
    const old = await call();
    const partition = await partitionOf(old);
    await sealAll();
    await kit.owner.query("UPDATE audit_heads SET at = at - interval '150 days' WHERE company_id = $1", [
      kit.companyId,
    ]);
    await kit.setClock(null);
    await call();
    await sealAll();
    expect((await runRetention()).partitions).not.toContain(partition);
    expect(await calls()).toContain(old);
    await keepDays(60);
    expect((await runRetention()).partitions).toContain(partition);
    expect(await calls()).not.toContain(old);
    expect((await verify()).broken).toBeNull();
  });
});
