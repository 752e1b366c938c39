/**
 * `npm run bench -- ledger`: what reserve() and settle() add to a call, at fixed rates, on one hot company and spread over many.
 * The client runs on core 0, PostgreSQL (with fsync) on core 1.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '@ownkey/contract/ids';
import { Client } from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../packages/cli/src/postgres/embedded.ts';
import { migrate } from '../packages/server/src/storage/migrate.ts';
import { cpuMicroseconds, describeMachine, startScript } from './process.ts';

const CLIENT_CORE = 0;
const DATABASE_CORE = 1;
const MANY = 200;

export interface LedgerBenchOptions {
  rates: readonly number[];
  seconds: number;
}

interface Result {
  calls: number;
  failed: number;
  per_second: number;
  cpu_us: number;
  reserve_p50_ms: number;
  reserve_p99_ms: number;
  settle_p50_ms: number;
  settle_p99_ms: number;
}

/** A Markdown report. Linux, two cores. */
export async function benchLedger(options: LedgerBenchOptions): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'ownkey-bench-'));
  const postgres = await startEmbeddedPostgres(directory);
  const owner = new Client({ connectionString: postgres.url('owner') });
  try {
    await owner.connect();
    await migrate(owner, { controlPassword: postgres.controlPassword, workerPassword: postgres.workerPassword });
    await owner.query('SET search_path = ownkey');
    return await measureAll(owner, postgres, options);
  } finally {
    await owner.end();
    await postgres.stop({ fastMs: 5000, immediateMs: 2000 });
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measureAll(owner: Client, postgres: EmbeddedPostgres, options: LedgerBenchOptions): Promise<string> {
  const companies = await insertCompanies(owner, MANY);
  const lines = [
    `Machine: ${describeMachine()}`,
    '',
    '| companies | calls a second asked, done | reserve ms p50 / p99 | settle ms p50 / p99 | client CPU µs a call | PostgreSQL CPU µs a call | commits a call | rows a commit |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
  ];
  // Plans, caches and files of the first calls are nobody's steady state.
  await run(owner, postgres, companies, 500, 3);
  for (const count of [1, MANY]) {
    for (const rate of options.rates) {
      const row = await run(owner, postgres, companies.slice(0, count), rate, options.seconds);
      lines.push(`| ${count} | ${row} |`);
      process.stderr.write(`${lines.at(-1)}\n`);
    }
  }
  return lines.join('\n');
}

async function insertCompanies(owner: Client, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => String(newId('company')));
  await owner.query(
    `INSERT INTO companies (id, name, plan) SELECT id, 'Bench', 'business' FROM unnest($1::text[]) id`,
    [ids],
  );
  return ids;
}

async function run(
  owner: Client,
  postgres: EmbeddedPostgres,
  companies: string[],
  rate: number,
  seconds: number,
): Promise<string> {
  const { rows } = await owner.query<{ company: string; installation: string }>(
    'SELECT c.config_version AS company, i.config_version AS installation FROM companies c, installation i WHERE c.id = $1',
    [companies[0]],
  );
  const job = {
    databaseUrl: postgres.url('worker'),
    companies,
    configVersion: Number(rows[0]?.company),
    globalVersion: Number(rows[0]?.installation),
    rate,
    seconds,
  };
  const idle = await load({ ...job, work: false });
  pin(postgres.pid);
  const before = await countersOf(owner, postgres.pid);
  const result = await load({ ...job, work: true });
  const after = await countersOf(owner, postgres.pid);
  const commits = after.commits - before.commits;
  const cells = [
    `${rate}, ${Math.round(result.per_second)}${result.failed > 0 ? ` (${result.failed} failed)` : ''}`,
    `${result.reserve_p50_ms.toFixed(2)} / ${result.reserve_p99_ms.toFixed(1)}`,
    `${result.settle_p50_ms.toFixed(2)} / ${result.settle_p99_ms.toFixed(1)}`,
    `${Math.round((result.cpu_us - idle.cpu_us) / result.calls)}`,
    `${Math.round((after.cpuUs - before.cpuUs) / result.calls)}`,
    (commits / result.calls).toFixed(2),
    ((after.rows - before.rows) / commits).toFixed(1),
  ];
  return cells.join(' | ');
}

async function load(job: object): Promise<Result> {
  const started = await startScript('./ledger-load.ts', [JSON.stringify(job)], CLIENT_CORE);
  await started.stop();
  const { ready } = started;
  const read = (name: string): number => Number(ready[name]);
  return {
    calls: read('calls'),
    failed: read('failed'),
    per_second: read('per_second'),
    cpu_us: read('cpu_us'),
    reserve_p50_ms: read('reserve_p50_ms'),
    reserve_p99_ms: read('reserve_p99_ms'),
    settle_p50_ms: read('settle_p50_ms'),
    settle_p99_ms: read('settle_p99_ms'),
  };
}

interface Counters {
  commits: number;
  rows: number;
  cpuUs: number;
}

/** Commits and rows written so far, by PostgreSQL's own statistics, and the CPU of all its processes. */
async function countersOf(owner: Client, pid: number): Promise<Counters> {
  await owner.query('SELECT pg_stat_force_next_flush()');
  const { rows } = await owner.query<{ commits: string; rows: string }>(
    `SELECT xact_commit AS commits, tup_inserted + tup_updated + tup_deleted AS rows FROM pg_stat_database
     WHERE datname = current_database()`,
  );
  const cpuUs = processesOf(pid).reduce((sum, one) => sum + cpuMicroseconds(one), 0) + endedCpu(pid);
  return { commits: Number(rows[0]?.commits), rows: Number(rows[0]?.rows), cpuUs };
}

/** CPU of children that have ended: backends of connections that were closed. */
function endedCpu(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) * 10_000;
}

function processesOf(pid: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
        return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] === String(pid);
      } catch {
        return false;
      }
    });
  return [pid, ...children.map(Number)];
}

function pin(pid: number): void {
  for (const one of processesOf(pid)) spawnSync('taskset', ['-acp', String(DATABASE_CORE), String(one)]);
}
