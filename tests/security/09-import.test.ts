/**
 * What SECURITY.md asks of imports: they run inside the worker's walls, input comes by descriptor, the source key is erased, and no copy
 * of an opened key stays in memory. The process is the built one, the database a real one, the boxes are libsodium's.
 */
import { spawn } from 'node:child_process';
import { createCipheriv, randomBytes } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { waitUntil } from '@ownkey/cli/wait';
import sodium, { ready } from 'libsodium-wrappers';
import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fernetKey, fernetToken } from '../kit/fernet.ts';
import { type ImportPlace, type ImportRun, makeImportPlace, startImport } from '../kit/import-run.ts';
import { useTestDatabase } from '../kit/postgres.ts';
import { sweepMemory } from '../kit/sweep.ts';
import { seedCompany } from '../kit/worker-rows.ts';

const NAIVE = fileURLToPath(new URL('./fixtures/naive-import.mjs', import.meta.url));
const ROWS = 200; // one batch
const database = useTestDatabase();
let owner: Client;
let superuser: Client;
let place: ImportPlace;
let company: string;
let running: ImportRun[] = [];

beforeAll(async () => {
  await ready;
  owner = await database.connect('owner');
  superuser = await database.connect('superuser');
  place = makeImportPlace();
});
afterAll(() => rmSync(place.directory, { recursive: true }));
beforeEach(async () => {
  company = await seedCompany(owner);
});
afterEach(async () => {
  for (const run of running) if (run.process.exitCode === null) run.process.kill('SIGTERM');
  await Promise.all(running.map(({ ended }) => ended));
  running = [];
});

interface Source {
  readonly from: string;
  /** The text that comes on the descriptor, and the key itself. */
  readonly text: string;
  readonly raw: Buffer;
  seal(clear: Buffer): string;
}

const SOURCES: readonly (() => Source)[] = [
  () => {
    const text = fernetKey();
    return { from: 'fernet', text, raw: Buffer.from(text, 'base64url'), seal: (clear) => fernetToken(text, clear) };
  },
  () => {
    const raw = randomBytes(32);
    const seal = (clear: Buffer): string => {
      const nonce = randomBytes(24);
      return Buffer.concat([nonce, sodium.crypto_secretbox_easy(clear, nonce, raw)]).toString('base64');
    };
    return { from: 'secretbox', text: raw.toString('hex'), raw, seal };
  },
  () => {
    const raw = randomBytes(32);
    const seal = (clear: Buffer): string => {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', raw, nonce);
      return Buffer.concat([nonce, cipher.update(clear), cipher.final(), cipher.getAuthTag()]).toString('base64');
    };
    return { from: 'aes-256-gcm', text: raw.toString('base64'), raw, seal };
  },
];
const fernet = (): Source => {
  const [make] = SOURCES;
  if (!make) throw new Error('no source');
  return make();
};

const LENGTHS = [20, 32, 50, 64, 108, 164];
/** Keys that look like none of a provider, of several lengths. */
const canary = (i: number): Buffer =>
  Buffer.from(
    randomBytes(128)
      .toString('base64url')
      .slice(0, LENGTHS[i % LENGTHS.length]),
    'latin1',
  );
const jsonRow = (id: number, ciphertext: string): string =>
  `${JSON.stringify({ id, company, provider: 'openai', ciphertext })}\n`;
const begin = (source: Source, words: readonly string[], url = database.workerUrl): ImportRun => {
  const run = startImport(place, url, place.write('source.key', source.text), [
    '--from',
    source.from,
    '--key-fd',
    '3',
    ...words,
  ]);
  running.push(run);
  return run;
};
const PIPE = ['--name', 'piped', '--format', 'jsonl', '-'];

/** Feeds rows and waits until all of them are reported; the process waits for more. */
async function feed(run: ImportRun, rows: readonly string[]): Promise<void> {
  for (const row of rows) run.process.stdin?.write(row);
  await waitUntil(() => run.lines().length >= rows.length || run.process.exitCode !== null, 30_000);
  if (run.lines().length < rows.length) {
    throw new Error(`only ${run.lines().length} rows were reported: ${run.stderr()}`);
  }
}

describe.each(SOURCES.map((make) => [make().from, make] as const))(
  'after it opened and stored 200 keys from %s',
  (_, make) => {
    test('the process holds no copy of any of them, and of the source key none but the one it works with', async () => {
      const source = make();
      const canaries = Array.from({ length: ROWS }, (_row, i) => canary(i));
      const run = begin(source, PIPE);
      await feed(
        run,
        canaries.map((clear, i) => jsonRow(i, source.seal(clear))),
      );
      expect(run.lines().filter((line) => line.includes(',stored,'))).toHaveLength(ROWS);
      const pid = await run.worker();
      const { hits, bytes } = sweepMemory(pid, 'import', canaries.slice(-36).map(String));
      expect(bytes).toBeGreaterThan(20_000_000);
      expect(hits).toEqual([]);
      const ofSource = sweepMemory(pid, 'import', [source.raw.toString('latin1')]).hits;
      expect(ofSource.filter(({ form }) => form === 'text')).toHaveLength(1);
      expect(ofSource.filter(({ form }) => form !== 'text' && !form.startsWith('fragment'))).toEqual([]);
      expect(sweepMemory(pid, 'import', [source.text]).hits.filter(({ form }) => form === 'text')).toEqual([]);
      run.process.stdin?.end();
      expect(await run.ended).toBe(0);
    });
  },
);

test('the search finds the keys of an import that takes no care', async () => {
  const source = fernet();
  const canaries = Array.from({ length: 20 }, () => canary(4));
  const fd = openSync(place.write('source.key', source.text), 'r');
  const child = spawn(process.execPath, [NAIVE], { stdio: ['pipe', 'pipe', 'inherit', fd] });
  closeSync(fd);
  let printed = '';
  child.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  for (const [i, clear] of canaries.entries()) child.stdin?.write(jsonRow(i, source.seal(clear)));
  expect(await waitUntil(() => printed.includes('line 20'), 20_000)).toBe(true);
  const { hits } = sweepMemory(child.pid ?? 0, 'naive', canaries.map(String));
  expect(hits.length).toBeGreaterThanOrEqual(3);
  expect(sweepMemory(child.pid ?? 0, 'naive', [source.text]).hits.map(({ form }) => form)).toContain('text');
  child.kill();
});

test('the process has no path of export or source key, no key in its arguments or environment, and the worker’s walls', async () => {
  const source = fernet();
  const run = begin(source, PIPE);
  await feed(
    run,
    Array.from({ length: ROWS }, (_, i) => jsonRow(i, source.seal(canary(4)))),
  );
  const pid = await run.worker();
  const read = (name: string): string => readFileSync(`/proc/${pid}/${name}`, 'latin1');
  const started = `${read('cmdline')}\n${read('environ')}`;
  for (const secret of [source.text, source.raw.toString('hex'), 'source.key']) expect(started).not.toContain(secret);
  const words = read('cmdline').split('\0');
  expect(words.filter((word) => /^--(?:experimental-)?permission$/.test(word))).toHaveLength(1);
  expect(words).toEqual(expect.arrayContaining(['--no-addons', '--disallow-code-generation-from-strings']));
  expect(words.filter((word) => /^--allow-(?!fs-read=)/.test(word))).toEqual([]);
  const readable = words.flatMap((word) => /^--allow-fs-read=(.+)$/.exec(word)?.[1] ?? []);
  expect(readable.filter((path) => path.startsWith(place.directory))).toEqual([place.kekFile]);
  const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  expect(open.filter((path) => path.startsWith(place.directory))).toEqual([]);
  run.process.stdin?.end();
  expect(await run.ended).toBe(0);
});

test('a master key that is not the database’s is refused before anything is opened or stored', async () => {
  const source = fernet();
  const rows = Array.from({ length: ROWS }, (_, i) => jsonRow(i, source.seal(canary(4))));
  const right = begin(source, PIPE);
  await feed(right, rows);
  right.process.stdin?.end();
  expect(await right.ended).toBe(0);
  const stranger = makeImportPlace();
  const wrong = startImport(stranger, database.workerUrl, place.write('source.key', source.text), [
    '--from',
    'fernet',
    '--key-fd',
    '3',
    '--name',
    'other',
    place.write('keys.jsonl', rows.join('')),
  ]);
  running.push(wrong);
  expect(await wrong.ended).toBe(1);
  expect(wrong.stderr()).toMatch(/master key does not fit this database; nothing was imported/);
  expect(wrong.lines()).toEqual([]);
  const { rows: stored } = await owner.query('SELECT count(*)::int AS n FROM ownkey.keys WHERE company_id = $1', [
    company,
  ]);
  expect(stored).toEqual([{ n: ROWS }]);
  rmSync(stranger.directory, { recursive: true });
});

test('a line of 100 MB is one bad row, and the process stays small', async () => {
  const source = fernet();
  const run = begin(source, PIPE);
  run.process.stdin?.write('{"company":"');
  const piece = 'x'.repeat(1_000_000);
  for (let i = 0; i < 100; i++) {
    if (!run.process.stdin?.write(piece)) await new Promise((resolve) => run.process.stdin?.once('drain', resolve));
  }
  run.process.stdin?.write('\n');
  await feed(
    run,
    Array.from({ length: ROWS }, (_, i) => jsonRow(i, source.seal(canary(4)))),
  );
  const peak = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${await run.worker()}/status`, 'utf8'))?.[1]);
  expect(peak).toBeGreaterThan(20_000);
  expect(peak).toBeLessThan(200_000);
  run.process.stdin?.end();
  expect(await run.ended).toBe(3);
  expect(run.lines()).toHaveLength(ROWS + 1);
  expect(run.lines()[0]).toMatch(/^1,,,,,,skipped,row\.too_long,/);
  expect(run.stderr()).toBe('200 stored, 0 already there, 1 skipped.\n');
});

describe('killed with SIGKILL', () => {
  const counts = async (): Promise<unknown> =>
    (
      await owner.query(
        `SELECT (SELECT count(*) FROM ownkey.keys WHERE company_id = $1)::int AS keys,
           (SELECT count(*) FROM ownkey.envelopes e JOIN ownkey.keys k ON k.id = e.key_id WHERE company_id = $1)::int AS envelopes,
           (SELECT count(*) FROM ownkey.audit_events WHERE company_id = $1 AND kind = 'key.imported')::int AS events,
           (SELECT count(*) FROM ownkey.sources WHERE company_id = $1)::int AS sources`,
        [company],
      )
    ).rows[0];
  const whole = (n: number) => ({ keys: n, envelopes: n, events: n, sources: n === 0 ? 0 : 1 });

  async function kill(run: ImportRun): Promise<void> {
    process.kill(await run.worker(), 'SIGKILL');
    expect(await run.ended).toBe(1);
  }

  /** Kills the import while it waits for a table that is locked: in the middle of its transaction. */
  async function killAt(table: string, words: readonly string[], source: Source): Promise<void> {
    const blocker = await database.connect('superuser');
    await blocker.query(`BEGIN; LOCK TABLE ownkey.${table} IN SHARE MODE`);
    const run = begin(source, words);
    await expect
      .poll(
        async () =>
          (
            await superuser.query(
              `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'ownkey-worker-import'
                 AND wait_event_type = 'Lock'`,
            )
          ).rows.length,
        { timeout: 20_000 },
      )
      .toBe(1);
    await kill(run);
    await blocker.query('ROLLBACK');
  }

  test('at every step and started again, it has stored each row exactly once, whole or not at all', async () => {
    const source = fernet();
    const clear = Array.from({ length: 450 }, () => canary(4));
    const file = place.write('keys.jsonl', clear.map((one, i) => jsonRow(i, source.seal(one))).join(''));
    for (const table of ['keys', 'envelopes', 'audit_events', 'sources']) {
      await killAt(table, [file], source);
      expect(await counts(), table).toEqual(whole(0));
    }
    const interrupted = begin(source, [file]);
    expect(await waitUntil(() => interrupted.lines().length > 0, 20_000)).toBe(true);
    await kill(interrupted);
    const between = (await counts()) as { keys: number };
    expect([200, 400, 450]).toContain(between.keys);
    expect(between).toEqual(whole(between.keys));
    const last = begin(source, [file]);
    expect(await last.ended).toBe(0);
    expect(await counts()).toEqual(whole(450));
    expect(last.stderr()).toBe(`${450 - between.keys} stored, ${between.keys} already there, 0 skipped.\n`);
    const again = begin(source, [file]);
    expect(await again.ended).toBe(0);
    expect(again.stderr()).toBe('0 stored, 450 already there, 0 skipped.\n');
    expect(await counts()).toEqual(whole(450));
  });
});
