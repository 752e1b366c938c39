import { randomBytes } from 'node:crypto';
import { parseEgressAllow } from '@ownkey/guard/egress-policy';
import { createScrubber } from '@ownkey/guard/scrub';
import { openEnvelope } from '@ownkey/vault/envelope';
import { type KekRing, kekFromBytes } from '@ownkey/vault/kek';
import { createPool } from '@ownkey/worker/database';
import type { Client, Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { testRing } from '../../../tests/kit/egress.ts';
import { fernetKey, fernetToken } from '../../../tests/kit/fernet.ts';
import { CATALOGUE } from '../../../tests/kit/gateway.ts';
import { useTestDatabase } from '../../../tests/kit/postgres.ts';
import { quiet } from '../../../tests/kit/quiet-log.ts';
import { seedCompany, seedKey, seedUser } from '../../../tests/kit/worker-rows.ts';
import { createOpenRow } from './ciphers/open-row.ts';
import { parseSourceKeys } from './ciphers/source-keys.ts';
import { type ReportLine, writeReportLine } from './report.ts';
import { readRows } from './rows/read-rows.ts';
import { runImport } from './run-import.ts';

const database = useTestDatabase();
const source = fernetKey();
const OPENAI = `sk-proj-${'A1b2C3d4'.repeat(15)}`;
const ANTHROPIC = `sk-ant-api03-${'Z9y8X7w6'.repeat(12)}AA`;
let owner: Client;
let pool: Pool;
let ring: KekRing;
let company: string;

beforeAll(async () => {
  owner = await database.connect('owner');
  pool = createPool({ connectionString: database.workerUrl, name: 'import', connectionsMax: 2, log: quiet });
});
afterAll(() => pool.end());
beforeEach(async () => {
  ring = testRing();
  company = await seedCompany(owner, { externalId: `acme-${Math.random()}` });
});

type Given = Record<string, string | number | null>;

const row = (clear: string, more: Given = {}): Given => ({
  company,
  provider: 'openai',
  ciphertext: fernetToken(source, clear),
  ...more,
});

async function* chunksOf(rows: readonly Given[]): AsyncGenerator<Buffer> {
  yield Buffer.from(rows.map((one) => `${JSON.stringify(one)}\n`).join(''));
}

async function run(
  rows: readonly Given[],
  more: { dryRun?: boolean; name?: string; refresh?: () => void } = {},
): Promise<ReportLine[]> {
  const lines: ReportLine[] = [];
  const order = {
    from: 'fernet',
    format: 'jsonl',
    encoding: 'base64',
    name: null,
    actor: 'cli:ana',
    dryRun: more.dryRun ?? false,
    layout: null,
    nonceBytes: 12,
    aad: null,
    ttlSeconds: null,
  } as const;
  const { policy } = parseEgressAllow('');
  await runImport(
    {
      pool,
      kekRing: ring,
      catalogue: CATALOGUE,
      policy,
      scrubber: createScrubber(),
      open: createOpenRow(order, parseSourceKeys(Buffer.from(source), 'fernet'), () => 0),
      order,
      importName: more.name ?? 'test',
      report: (line) => void lines.push(line),
      progress: () => {},
      refresh: async () => more.refresh?.(),
    },
    readRows(chunksOf(rows), { format: 'jsonl', ignored: () => {} }),
  );
  return lines;
}

const results = (lines: readonly ReportLine[]): string[] => lines.map(({ result, code }) => code ?? result);
const rowsOf = async (statement: string, values: unknown[] = [company]): Promise<Record<string, unknown>[]> =>
  (await owner.query(statement, values)).rows;
const versionOf = async (id: string): Promise<number> =>
  Number((await rowsOf('SELECT config_version AS v FROM ownkey.companies WHERE id = $1', [id]))[0]?.v);

async function openStored(keyId: string): Promise<string> {
  const [stored] = await rowsOf(
    `SELECT k.company_id, k.provider, k.id, k.version, k.destination, e.* FROM ownkey.keys k
     JOIN ownkey.envelopes e ON e.key_id = k.id WHERE k.id = $1`,
    [keyId],
  );
  if (!stored) throw new Error('not stored');
  const binding = {
    company: String(stored.company_id),
    provider: String(stored.provider),
    key_id: keyId,
    version: Number(stored.version),
    destination: String(stored.destination),
  };
  const { kek_id, wrapped_dek, commitment, body } = stored;
  if (!(wrapped_dek instanceof Buffer && commitment instanceof Buffer && body instanceof Buffer))
    throw new Error('columns');
  return openEnvelope({ kek_id: String(kek_id), wrapped_dek, commitment, body }, binding, ring).toString('latin1');
}

describe('a row that is right', () => {
  test('becomes a pending key whose envelope opens to what the source held, with its event and source, and moves the version', async () => {
    const before = await versionOf(company);
    const [line] = await run([row(OPENAI, { label: 'from the old shop' })]);
    expect(line).toMatchObject({ result: 'stored', last4: OPENAI.slice(-4), code: null });
    const id = line?.keyId ?? '';
    expect(id).toMatch(/^key_[0-9a-hjkmnp-tv-z]{26}$/);
    expect(await openStored(id)).toBe(OPENAI);
    expect(await rowsOf('SELECT * FROM ownkey.keys WHERE company_id = $1')).toEqual([
      expect.objectContaining({
        id,
        owner: 'company',
        provider: 'openai',
        destination: 'catalogue:openai',
        label: 'from the old shop',
        last4: OPENAI.slice(-4),
        mask: `sk-...${OPENAI.slice(-4)}`,
        status: 'pending',
        tested_at: null,
        enabled: true,
        position: 0,
        created_by: 'cli:ana',
      }),
    ]);
    const events = await rowsOf(
      'SELECT kind, actor, key_id, provider, last4, data FROM ownkey.audit_events WHERE company_id = $1 ORDER BY seq',
    );
    expect(events).toEqual([
      {
        kind: 'key.imported',
        actor: 'cli:ana',
        key_id: id,
        provider: 'openai',
        last4: OPENAI.slice(-4),
        data: { source: 'fernet', import: 'test', label: 'from the old shop', scope: 'company', status: 'pending' },
      },
      expect.objectContaining({
        kind: 'source.changed',
        key_id: id,
        data: { from: null, to: 'own', on_failure: 'platform', by: 'key.imported' },
      }),
    ]);
    expect(await versionOf(company)).toBeGreaterThan(before);
  });

  test('is found by our id of the company and by the host’s, and takes an alias of the provider', async () => {
    const [named] = await rowsOf('SELECT external_id FROM ownkey.companies WHERE id = $1');
    const lines = await run([row(ANTHROPIC, { company: String(named?.external_id), provider: 'Claude' })]);
    expect(results(lines)).toEqual(['stored']);
    expect(await rowsOf('SELECT provider FROM ownkey.keys WHERE company_id = $1')).toEqual([{ provider: 'anthropic' }]);
  });

  test('with a user becomes a personal key and sets no source', async () => {
    const user = await seedUser(owner, company, 'ana');
    const lines = await run([row(OPENAI, { user: 'ana' }), row(OPENAI, { user: 'nobody' })]);
    expect(results(lines)).toEqual(['stored', 'user.unknown']);
    expect(await rowsOf('SELECT owner, user_id FROM ownkey.keys WHERE company_id = $1')).toEqual([
      { owner: 'user', user_id: user },
    ]);
    expect(await rowsOf('SELECT 1 FROM ownkey.sources WHERE company_id = $1')).toEqual([]);
  });

  test('with an address becomes a custom endpoint bound to its origin, whose calls stop on failure', async () => {
    const lines = await run([
      row('local-secret-of-some-length', { provider: 'custom', slug: 'llm', base_url: 'https://llm.example.org/v1/' }),
    ]);
    expect(results(lines)).toEqual(['stored']);
    expect(await openStored(lines[0]?.keyId ?? '')).toBe('local-secret-of-some-length');
    expect(await rowsOf('SELECT slug, base_url, destination FROM ownkey.keys WHERE company_id = $1')).toEqual([
      { slug: 'llm', base_url: 'https://llm.example.org/v1', destination: 'https://llm.example.org' },
    ]);
    expect(await rowsOf('SELECT provider, source, on_failure FROM ownkey.sources WHERE company_id = $1')).toEqual([
      { provider: 'llm', source: 'own', on_failure: 'stop' },
    ]);
  });

  test('takes the next place behind the keys that are there, one after the other', async () => {
    await seedKey(owner, { companyId: company, provider: 'openai', position: 4 });
    await run([row(`${OPENAI}1`), row(`${OPENAI}2`), row(ANTHROPIC, { provider: 'anthropic' })]);
    expect(
      await rowsOf('SELECT provider, position FROM ownkey.keys WHERE company_id = $1 ORDER BY provider, position'),
    ).toEqual([
      { provider: 'anthropic', position: 0 },
      { provider: 'openai', position: 4 },
      { provider: 'openai', position: 5 },
      { provider: 'openai', position: 6 },
    ]);
  });

  test('leaves a source that the company has chosen as it is', async () => {
    await owner.query(`INSERT INTO ownkey.sources (company_id, provider, source) VALUES ($1, 'openai', 'platform')`, [
      company,
    ]);
    await run([row(OPENAI)]);
    expect(await rowsOf('SELECT source FROM ownkey.sources WHERE company_id = $1')).toEqual([{ source: 'platform' }]);
    expect(await rowsOf(`SELECT 1 FROM ownkey.audit_events WHERE company_id = $1 AND kind = 'source.changed'`)).toEqual(
      [],
    );
  });

  test('does on failure what the host presets', async () => {
    await owner.query(`UPDATE ownkey.installation SET settings = '{"policies": {"on_failure": {"preset": "stop"}}}'`);
    await run([row(OPENAI)]);
    await owner.query(`UPDATE ownkey.installation SET settings = '{}'`);
    expect(await rowsOf('SELECT on_failure FROM ownkey.sources WHERE company_id = $1')).toEqual([
      { on_failure: 'stop' },
    ]);
  });

  test('has no copy of the key in the database, also when its label repeats it', async () => {
    const clear = `odd key ${Math.random()}`.replaceAll(' ', '-').padEnd(40, 'x');
    const [line] = await run([row(clear, { label: `the key ${clear}` })]);
    expect(line?.result).toBe('stored');
    const [stored] = await rowsOf('SELECT k::text AS key FROM ownkey.keys k WHERE company_id = $1');
    const [event] = await rowsOf('SELECT e::text AS event FROM ownkey.audit_events e WHERE company_id = $1');
    expect(`${stored?.key} ${event?.event}`).not.toContain(clear);
    expect(String(stored?.key)).toContain('the key ');
  });
});

describe('a row that is refused', () => {
  test.each<[string, (to: { other: string }) => Given | Promise<Given>]>([
    ['company.unknown', () => row(OPENAI, { company: 'nobody' })],
    ['provider.unknown', () => row(OPENAI, { provider: 'no-such' })],
    ['cipher.refused', ({ other }) => row(OPENAI, { ciphertext: fernetToken(other, OPENAI) })],
    ['cipher.format', () => row(OPENAI, { ciphertext: OPENAI })],
    ['key.shape', () => row(`${OPENAI.slice(0, 30)}\r\n${OPENAI.slice(30)}`)],
    ['key.shape', () => row(`${OPENAI}\0`)],
    ['key.shape', () => row('')],
    ['key.shape', () => row('x'.repeat(5000))],
    ['key.shape', () => row('oky_0123456789abcdefghij')],
    ['key.other_provider', () => row(ANTHROPIC)],
    ['row.malformed', () => row(OPENAI, { base_url: 'https://llm.example.org' })],
    ['slug.invalid', () => row(OPENAI, { provider: 'custom', base_url: 'https://llm.example.org' })],
    ['slug.invalid', () => row(OPENAI, { provider: 'custom', slug: 'openai', base_url: 'https://llm.example.org' })],
    ['base_url.refused', () => row(OPENAI, { provider: 'custom', slug: 'x' })],
    ['base_url.refused', () => row(OPENAI, { provider: 'custom', slug: 'x', base_url: 'https://169.254.169.254' })],
    ['base_url.refused', () => row(OPENAI, { provider: 'custom', slug: 'x', base_url: 'http://llm.example.org' })],
    [
      'preset.unknown',
      () => row(OPENAI, { provider: 'custom', slug: 'x', base_url: 'https://llm.example.org', preset: 'no' }),
    ],
    ['plan.upgrade_required', async () => row(OPENAI, { company: await seedCompany(owner, { plan: 'free' }) })],
    ['ai.consent_off', async () => row(OPENAI, { company: await seedCompany(owner, { aiEnabled: false }) })],
    ['user.unknown', async () => row(OPENAI, { user: await seedUser(owner, await seedCompany(owner)) })],
  ])(
    'as %s is skipped with what to do, holds no part of the key, and its neighbours are stored',
    async (code, make) => {
      const bad = await make({ other: fernetKey() });
      const lines = await run([row(`${OPENAI}1`), bad, row(`${OPENAI}2`)]);
      expect(results(lines)).toEqual(['stored', code, 'stored']);
      const [, line] = lines;
      if (!line) throw new Error('no line');
      expect(line.reason.length).toBeGreaterThan(10);
      const text = writeReportLine(line, createScrubber());
      for (const key of [OPENAI, ANTHROPIC]) expect(text).not.toContain(key.slice(20, 32));
      expect(await rowsOf('SELECT count(*)::int AS n FROM ownkey.keys WHERE company_id = $1')).toEqual([{ n: 2 }]);
    },
  );

  test('for a slug that is in use, in the database or earlier in the export, leaves the first', async () => {
    const endpoint = { provider: 'custom', slug: 'llm', base_url: 'https://llm.example.org' };
    expect(
      results(await run([row('first-secret-of-some-length', endpoint), row('second-secret-of-some-length', endpoint)])),
    ).toEqual(['stored', 'slug.taken']);
    expect(results(await run([row('third-secret-of-some-length', endpoint)], { name: 'other' }))).toEqual([
      'slug.taken',
    ]);
    expect(await rowsOf('SELECT count(*)::int AS n FROM ownkey.keys WHERE company_id = $1')).toEqual([{ n: 1 }]);
  });
});

describe('running it again', () => {
  test('stores nothing twice: rows are known by their content wherever they stand, or by an id of their own', async () => {
    const rows = [row(OPENAI), row(ANTHROPIC, { provider: 'anthropic' }), row(OPENAI, { id: 7 })];
    const first = await run(rows);
    expect(results(first)).toEqual(['stored', 'stored', 'stored']);
    const again = await run([...rows.toReversed().slice(0, 1), row(`${OPENAI}x`, { id: '7' }), ...rows.slice(0, 2)]);
    expect(results(again)).toEqual(['already_there', 'already_there', 'already_there', 'already_there']);
    expect(again[2]).toMatchObject({ keyId: first[0]?.keyId, last4: OPENAI.slice(-4) });
    expect(await rowsOf('SELECT count(*)::int AS n FROM ownkey.keys WHERE company_id = $1')).toEqual([{ n: 3 }]);
  });

  test('does not bring back a key that was removed since', async () => {
    const rows = [row(OPENAI)];
    const [line] = await run(rows);
    await owner.query('DELETE FROM ownkey.keys WHERE id = $1', [line?.keyId]);
    expect(results(await run(rows))).toEqual(['key.removed']);
    expect(await rowsOf('SELECT 1 FROM ownkey.keys WHERE company_id = $1')).toEqual([]);
  });

  test('names a row that stands twice in the export', async () => {
    const twice = row(OPENAI);
    const lines = await run([twice, twice]);
    expect(results(lines)).toEqual(['stored', 'row.repeated']);
    expect(lines[1]?.reason).toContain('line 1');
  });

  test('twice at once stores each row exactly once', async () => {
    const rows = Array.from({ length: 450 }, (_, i) => row(`${OPENAI}${i}`, { id: i }));
    const [one, two] = await Promise.all([run(rows), run(rows)]);
    const stored = [...(one ?? []), ...(two ?? [])].filter(({ result }) => result === 'stored');
    expect(stored).toHaveLength(450);
    expect(new Set([...(one ?? []), ...(two ?? [])].map(({ result }) => result))).toEqual(
      new Set(['stored', 'already_there']),
    );
    expect(
      await rowsOf(
        'SELECT count(*)::int AS n, count(DISTINCT position)::int AS places FROM ownkey.keys WHERE company_id = $1',
      ),
    ).toEqual([{ n: 450, places: 450 }]);
    expect(
      await rowsOf(
        `SELECT count(*)::int AS n FROM ownkey.audit_events WHERE company_id = $1 AND kind = 'key.imported'`,
      ),
    ).toEqual([{ n: 450 }]);
  });
});

test('a dry run opens and checks the same and changes no table', async () => {
  const rows = [row(OPENAI), row(ANTHROPIC), row(OPENAI, { company: 'nobody' }), row(OPENAI, { ciphertext: 'x' })];
  const content = async (): Promise<unknown[]> => {
    const digests: unknown[] = [];
    for (const table of ['keys', 'envelopes', 'sources', 'audit_events', 'companies']) {
      digests.push(await rowsOf(`SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM ownkey.${table} t`, []));
    }
    return digests;
  };
  const before = await content();
  const dry = await run(rows, { dryRun: true });
  expect(await content()).toEqual(before);
  expect(results(dry)).toEqual(['would_store', 'key.other_provider', 'company.unknown', 'cipher.format']);
  const real = await run(rows);
  expect(real.map((line) => ({ ...line, result: line.result.replace('stored', 'would_store') }))).toEqual(dry);
});

test('a batch under a master key that was replaced meanwhile is wrapped again under the new one', async () => {
  const next = kekFromBytes('kek_test00000001', randomBytes(32));
  await owner.query(
    `INSERT INTO ownkey.keks (id, check_value, source, state) VALUES ($1, '', 'file', 'closed'), ($2, '', 'file', 'current')`,
    [ring.currentId, next.id],
  );
  const refresh = (): void => {
    ring.add(next);
    ring.use(next.id);
  };
  const lines = await run([row(OPENAI)], { refresh });
  await owner.query('DELETE FROM ownkey.keks');
  expect(results(lines)).toEqual(['stored']);
  expect(await openStored(lines[0]?.keyId ?? '')).toBe(OPENAI);
  const stored = await rowsOf('SELECT kek_id FROM ownkey.envelopes WHERE key_id = $1', [lines[0]?.keyId]);
  expect(stored).toEqual([{ kek_id: next.id }]);
});
