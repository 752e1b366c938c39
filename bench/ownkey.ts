import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '@ownkey/contract/ids';
import { newToken } from '@ownkey/contract/token-form';
import { Client } from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../packages/cli/src/postgres/embedded.ts';
import { createMasterKey } from '../packages/cli/src/supervisor/master-key.ts';
import { INSTALLATION, programPath, readablePaths } from '../packages/cli/src/supervisor/programs.ts';
import { workerFlags } from '../packages/cli/src/supervisor/worker-flags.ts';
import { migrate } from '../packages/server/src/storage/migrate.ts';
import { startCommand } from './process.ts';

export interface BenchOwnkey {
  port: number;
  pid: number;
  headers: Record<string, string>;
  model: string;
  ledgerRows(): Promise<{ settled: number; open: number }>;
  stop(): Promise<void>;
}

/**
 * One worker as in production (built code, permission flags, its own role) on `core`, PostgreSQL with its ordinary durability
 * on `otherCore`, a company whose own key is bound to the mock upstream.
 */
export async function startOwnkey(upstreamPort: number, core: number, otherCore: number): Promise<BenchOwnkey> {
  if (!existsSync(programPath('worker'))) throw new Error('Build first: npm run build');
  const directory = mkdtempSync(join(tmpdir(), 'ownkey-bench-'));
  const postgres = await startEmbeddedPostgres(directory);
  try {
    return await startOn(directory, postgres, upstreamPort, core, otherCore);
  } catch (error) {
    await postgres.stop({ fastMs: 500, immediateMs: 500 });
    throw error;
  }
}

async function startOn(
  directory: string,
  postgres: EmbeddedPostgres,
  upstreamPort: number,
  core: number,
  otherCore: number,
): Promise<BenchOwnkey> {
  const owner = new Client({ connectionString: postgres.url('owner') });
  // The database is stopped under it when the start fails.
  owner.on('error', () => {});
  await owner.connect();
  await migrate(owner, { controlPassword: postgres.controlPassword, workerPassword: postgres.workerPassword });
  pinDescendants(postgres.pid, otherCore);
  const kekFile = join(directory, 'kek');
  createMasterKey(kekFile);
  const token = await insertCompany(owner);
  const port = await freePort();
  const worker = await startWorker(port, postgres.url('worker'), kekFile, upstreamPort, core);
  pinDescendants(postgres.pid, otherCore);
  const headers = { authorization: `Bearer ${token}` };
  await connectKey(port, headers, upstreamPort);
  return {
    port,
    pid: worker.pid,
    headers,
    model: 'bench/bench',
    ledgerRows: async () => {
      const { rows } = await owner.query<{ settled: string; open: string }>(
        `SELECT count(*) FILTER (WHERE state = 'settled') AS settled, count(*) FILTER (WHERE state = 'reserved') AS open FROM ownkey.requests`,
      );
      return { settled: Number(rows[0]?.settled), open: Number(rows[0]?.open) };
    },
    stop: async () => {
      await worker.stop();
      await owner.end();
      await postgres.stop({ fastMs: 5000, immediateMs: 2000 });
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function insertCompany(owner: Client): Promise<string> {
  const token = newToken('co');
  const company = newId('company');
  await owner.query('SET search_path = ownkey');
  await owner.query(`INSERT INTO companies (id, name, plan) VALUES ($1, 'Bench', 'business')`, [company]);
  await owner.query(
    `INSERT INTO tokens (id, hash, prefix, last4, name, company_id, scopes) VALUES ($1, $2, 'oky_', 'xxxx', 'bench', $3, '{company:admin}')`,
    [newId('token'), createHash('sha256').update(token).digest(), company],
  );
  return token;
}

async function startWorker(port: number, databaseUrl: string, kekFile: string, upstreamPort: number, core: number) {
  const packages = ['contract', 'guard', 'policy', 'providers', 'vault', 'worker'];
  const flags = workerFlags(process.version, readablePaths(packages, [join(INSTALLATION, 'catalogue/'), kekFile]));
  const environment = {
    NODE_ENV: 'production',
    OWNKEY_MODE: 'development',
    OWNKEY_CLEAR_KEYS: '1',
    OWNKEY_GATEWAY_PORT: String(port),
    OWNKEY_WORKER_DATABASE_URL: databaseUrl,
    OWNKEY_KEK_FILE: kekFile,
    OWNKEY_EGRESS_ALLOW: `127.0.0.1:${upstreamPort}`,
  };
  // A profile is written by the process itself, which the permission flags forbid: figures are taken without this.
  const profile = process.env.BENCH_PROFILE_DIR;
  const options = profile === undefined ? flags : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const started = await startCommand(process.execPath, [...options, programPath('worker')], core, environment);
  for (let attempt = 0; attempt < 200; attempt++) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    if (answer?.ok) return started;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('The worker did not become ready');
}

async function connectKey(port: number, headers: Record<string, string>, upstreamPort: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/keys`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({
      provider: 'custom',
      slug: 'bench',
      base_url: `http://127.0.0.1:${upstreamPort}/v1`,
      key: `bench-${randomBytes(24).toString('hex')}`,
      keep: true,
    }),
  });
  if (!response.ok) throw new Error(`The key could not be connected: ${response.status} ${await response.text()}`);
}

/** Pins a process and its children of now; children of later inherit it. */
function pinDescendants(pid: number, core: number): void {
  const children = spawnSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter(Boolean);
  for (const one of [String(pid), ...children]) spawnSync('taskset', ['-acp', String(core), one]);
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
