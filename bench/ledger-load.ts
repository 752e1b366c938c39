/**
 * The process that `bench ledger` measures: the worker's ledger client alone, asked for `rate` calls a second, sent on time
 * whatever the answers do. Each is reserved under five limits and settled at once. Prints one line of JSON.
 */

import { newId } from '@ownkey/contract/ids';
import type { Limit } from '@ownkey/contract/spend';
import { createLogger } from '@ownkey/guard/log';
import { createScrubber } from '@ownkey/guard/scrub';
import { sqlOf } from '@ownkey/worker/database';
import type { Reservation, Settlement } from '@ownkey/worker/ledger/ledger';
import { PostgresLedger } from '@ownkey/worker/ledger/postgres-ledger';
import { Pool } from 'pg';

interface Job {
  databaseUrl: string;
  /** Ids of the companies the calls are spread over. */
  companies: string[];
  configVersion: number;
  globalVersion: number;
  rate: number;
  seconds: number;
  /** false = the timer loop alone, whose cost is taken off. */
  work: boolean;
}

const job: Job = JSON.parse(process.argv[2] ?? '{}');
const pool = new Pool({ connectionString: job.databaseUrl, max: 3 });
const ledger = new PostgresLedger({
  sql: sqlOf(pool),
  workerId: 'bench',
  log: createLogger({
    name: 'bench',
    level: 'error',
    scrubber: createScrubber(),
    write: (line) => process.stderr.write(line),
  }),
});

const cap = 10n ** 15n;
const limits: Limit[] = [
  { meter: '', kind: 'request', cap },
  { meter: '', kind: 'day', cap },
  { meter: '', kind: 'month', cap },
  { meter: 'usr_bench', kind: 'day', cap },
  { meter: 'usr_bench', kind: 'month', cap },
];

function reservation(company: string): Reservation {
  return {
    id: newId('request'),
    companyId: company,
    configVersion: job.configVersion,
    globalVersion: job.globalVersion,
    userId: 'usr_bench',
    tokenId: 'tok_bench',
    actor: 'tok_bench',
    account: null,
    operation: 'bench',
    kind: 'call',
    wire: 'openai-chat',
    streaming: false,
    provider: 'bench',
    slug: 'bench',
    model: 'bench-1',
    keyId: 'key_bench',
    keyVersion: 1,
    last4: 'abcd',
    keySource: 'own',
    fallback: null,
    priceId: 'price_bench',
    reservedNanoUsd: 1_000_000n,
    leastNanoUsd: null,
    limits,
  };
}

const settlement: Settlement = {
  state: 'settled',
  httpStatus: 200,
  errorCode: null,
  providerRequestId: null,
  usage: { input: 300, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 200, reasoning: 0 },
  basis: 'reported',
  costNanoUsd: 400_000n,
  priceId: null,
  latencyMs: 1,
  ttfbMs: 1,
};

const reserveMs: number[] = [];
const settleMs: number[] = [];
let failed = 0;
const running = new Set<Promise<void>>();

async function callOnce(company: string): Promise<void> {
  const asked = performance.now();
  const answer = await ledger.reserve(reservation(company));
  if (answer.outcome !== 'ok') {
    failed += 1;
    return;
  }
  const reserved = performance.now();
  reserveMs.push(reserved - asked);
  await ledger.settle(answer.hold, settlement);
  settleMs.push(performance.now() - reserved);
}

function start(i: number): void {
  const company = job.companies[i % job.companies.length];
  if (!job.work || company === undefined) return;
  const one = callOnce(company)
    .catch(() => {
      failed += 1;
    })
    .finally(() => running.delete(one));
  running.add(one);
}

const began = performance.now();
const cpuBefore = process.cpuUsage();
const total = job.rate * job.seconds;
for (let sent = 0; sent < total; ) {
  const due = Math.min(total, Math.floor(((performance.now() - began) / 1_000) * job.rate));
  for (; sent < due; sent++) start(sent);
  await new Promise((resolve) => setTimeout(resolve, 1));
}
await Promise.all(running);
const seconds = (performance.now() - began) / 1_000;
const cpu = process.cpuUsage(cpuBefore);
await ledger.close(1_000);
await pool.end();

function at(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

console.log(
  JSON.stringify({
    calls: reserveMs.length,
    failed,
    per_second: reserveMs.length / seconds,
    cpu_us: cpu.user + cpu.system,
    reserve_p50_ms: at(reserveMs, 0.5),
    reserve_p99_ms: at(reserveMs, 0.99),
    settle_p50_ms: at(settleMs, 0.5),
    settle_p99_ms: at(settleMs, 0.99),
  }),
);
