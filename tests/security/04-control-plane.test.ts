import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCluster } from '@ownkey/cli/postgres/place';
import { newId } from '@ownkey/contract/ids';
import type { JobKind, JobPayloads } from '@ownkey/contract/jobs';
import { createClient } from '@ownkey/sdk/client';
import { connectKey } from '@ownkey/sdk/keys';
import { newKeyId } from '@ownkey/vault/mint';
import { beforeAll, describe, expect, test } from 'vitest';
import { callEveryRoute } from '../kit/every-route.ts';
import { useProduct } from '../kit/product.ts';
import { rowsOf } from '../kit/product-database.ts';
import { answer, type ProviderServer, startProvider } from '../kit/provider-server.ts';
import { mintKey } from '../kit/sandbox-keys.ts';
import { sweepBytes, sweepMemory } from '../kit/sweep.ts';

/**
 * Threat 4: somebody runs code in the server. A script takes the server's place, with the flags and variables that the running server
 * has from its supervisor, and goes for the keys by file, by database, by the worker's process, by every kind of job, by every route.
 */
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PROBE = readFileSync(new URL('./fixtures/control-probe.mjs', import.meta.url), 'utf8');
const product = useProduct({ OWNKEY_CLEAR_KEYS: '0' });
const canaries = ['openai', 'anthropic', 'mistral'].map((provider) => [provider, mintKey(provider, 'valid')] as const);
const clearKeys = canaries.map(([, clearKey]) => clearKey);
const keyIds: string[] = [];
let collector: ProviderServer;
let outcome: {
  files: Record<string, string>;
  acts: Record<string, string>;
  statements: Record<string, string>;
  jobs: { id: string; kind: JobKind; state: string; result: unknown; error_code: string | null }[];
};

const DENIED = [
  'SELECT body FROM envelopes',
  'SELECT * FROM envelopes',
  'SELECT wrapped_private FROM sealing_keys',
  'SELECT sealed FROM worker_jobs',
  'COPY envelopes TO STDOUT',
  "COPY (SELECT 1) TO PROGRAM 'cat'",
  'SET ROLE ownkey_worker',
  'SET ROLE ownkey_owner',
  'SET SESSION AUTHORIZATION postgres',
  "SELECT pg_read_file('pg_hba.conf')",
  "SELECT lo_import('/etc/passwd')",
  'CREATE EXTENSION adminpack',
  'UPDATE keys SET base_url = NULL',
  "INSERT INTO envelopes VALUES ('k', 1, 'k', 'w', 'c', 'b')",
];

beforeAll(async () => {
  const dev = product.dev();
  collector = await startProvider((socket) => socket.write(answer('{"data":[]}')));
  const client = createClient({ baseUrl: dev.console_url, token: dev.companies[0]?.api_token ?? '' });
  for (const [provider, clearKey] of canaries) {
    const made = await connectKey(client, {
      provider,
      scope: 'company',
      label: 'canary',
      clearKey: Buffer.from(clearKey, 'latin1'),
    } as never);
    keyIds.push(String(Object(made).key?.id ?? Object(made).id));
  }
  outcome = await runProbe();
});

function runProbe(): Promise<typeof outcome> {
  const { pids, companies } = product.dev();
  // Program and flags of the running server: everything before its main file is Node's.
  const words = readFileSync(`/proc/${pids.server}/cmdline`, 'utf8').split('\0');
  const flags = words.slice(1).filter((word) => word.startsWith('--'));
  const env = Object.fromEntries(
    readFileSync(`/proc/${pids.server}/environ`, 'utf8')
      .split('\0')
      // The channel to the supervisor is the server's own, not inherited here.
      .filter((line) => line !== '' && !line.startsWith('NODE_CHANNEL_'))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  expect(flags.some((flag) => /^--(?:experimental-)?permission$/.test(flag))).toBe(true);
  expect(env.OWNKEY_CONTROL_DATABASE_URL).toContain('ownkey_control');
  const company = companies[0]?.id ?? '';
  const cluster = findCluster(product.directory) ?? '';
  const entries = readdirSync(product.directory, { withFileTypes: true });
  const secrets = entries.flatMap((entry) => (entry.isFile() ? [entry.name] : []));
  const files = [
    ...secrets.map((name) => join(product.directory, name)),
    join(cluster, 'global/pg_control'),
    ...pids.workers.flatMap((pid) => ['mem', 'environ', 'maps', 'fd'].map((name) => `/proc/${pid}/${name}`)),
    '/proc/self/mem',
    '/proc/self/environ',
    '/etc/passwd',
  ];
  const input = { files, workerPids: pids.workers, statements: DENIED, jobs: jobsFor(company) };
  const child = spawn(process.execPath, [...flags, '--input-type=module', '-e', PROBE], {
    cwd: ROOT,
    env: { ...env, PROBE: JSON.stringify(input) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let errors = '';
  child.stdout.on('data', (bytes: Buffer) => {
    out += bytes.toString();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    errors += bytes.toString();
  });
  return new Promise((resolve, reject) =>
    child.once('close', (code, signal) => {
      if (code === 0) resolve(JSON.parse(out));
      else reject(new Error(`the probe ended with ${signal ?? code}: ${errors}`));
    }),
  );
}

/** Every kind of job, in each way that could bring a stored key out. */
function jobsFor(company: string): { id: string; kind: JobKind; company: string; payload: unknown }[] {
  const endpoint: JobPayloads['key.connect'] = {
    key_id: newKeyId(),
    owner: 'company',
    user_id: null,
    provider: 'custom',
    slug: 'collector',
    preset: null,
    base_url: `${collector.origin}/v1`,
    label: 'x',
    save: true,
    keep: true,
    on_failure: null,
    keyless: false,
  };
  const payloads: { [Kind in JobKind]: JobPayloads[Kind][] } = {
    'key.connect': [endpoint, ...keyIds.map((key_id) => ({ ...endpoint, key_id })), { ...endpoint, keyless: true }],
    'key.replace': keyIds.map((key_id) => ({ key_id, keep: true })),
    'key.test': keyIds.map((key_id) => ({ key_id })),
    'models.refresh': keyIds.map((key_id) => ({ key_id })),
    'audit.verify': [{}],
  };
  return Object.entries(payloads).flatMap(([kind, each]) =>
    each.map((payload) => ({ id: newId('job'), kind: kind as JobKind, company, payload })),
  );
}

const found = (place: string, text: string): string[] =>
  sweepBytes(place, text, clearKeys).map(({ form, canary }) => `${place}: ${form} of key ${canary}`);

test('no file with a secret can be opened: the master key, passwords, the database, the worker’s memory', () => {
  const opened = Object.entries(outcome.files).filter(([, how]) => how !== 'ERR_ACCESS_DENIED');
  expect(opened).toEqual([]);
  const names = Object.keys(outcome.files).map((path) => path.slice(path.lastIndexOf('/') + 1));
  expect(names).toEqual(
    expect.arrayContaining(['kek', 'pg.worker.password', 'auth.secret', 'pg_control', 'mem', 'environ']),
  );
});

test('the worker cannot be debugged: not by a program, an addon, a thread without flags, a signal', () => {
  expect(outcome.acts).toEqual({
    'run a debugger on the worker': 'ERR_ACCESS_DENIED',
    'load an addon': 'ERR_DLOPEN_DISABLED',
    'start a thread without flags': 'The server starts no threads but its own.',
    'get the class of threads another way': 'The server starts no threads but its own.',
    'debug the worker by signal': 'ECONNREFUSED',
  });
});

test('the database gives the server’s role no envelope, no private key and no sealed key', () => {
  for (const statement of DENIED)
    expect([statement, outcome.statements[statement]]).toEqual([
      statement,
      expect.stringMatching(/^(?:42501|0A000|58P01)$/),
    ]);
});

describe('jobs', () => {
  test('of every kind end, and none returns a key', () => {
    const kinds: Record<JobKind, number> = {
      'key.connect': 5,
      'key.replace': 3,
      'key.test': 3,
      'models.refresh': 3,
      'audit.verify': 1,
    };
    for (const [kind, count] of Object.entries(kinds)) {
      const ended = outcome.jobs.filter((job) => job.kind === kind && ['done', 'failed'].includes(job.state));
      expect([kind, ended.length]).toEqual([kind, count]);
    }
    expect(found('jobs', JSON.stringify(outcome.jobs))).toEqual([]);
  });

  test('use keys where they belong, and send none to the address that the attacker names', () => {
    expect(outcome.jobs.filter(({ kind, state }) => kind === 'key.test' && state === 'done')).toHaveLength(3);
    expect(found('collector', collector.arrived.map(({ head, body }) => head + body).join('\n'))).toEqual([]);
  });
});

test('no route answers with a key, whoever asks', async () => {
  const dev = product.dev();
  const [company] = dev.companies;
  const ids = { id: keyIds[0] ?? '', company: company?.id ?? '', provider: 'openai', plan: 'business' };
  for (const token of [company?.api_token ?? '', dev.operator.api_token]) {
    const answers = await callEveryRoute(product, token, ids);
    expect(answers.filter(({ status }) => status < 300).length).toBeGreaterThan(5);
    expect(answers.filter(({ status }) => status >= 500).map(({ route }) => route)).toEqual([]);
    for (const { route, text } of answers) expect(found(route, text)).toEqual([]);
  }
});

test('the server’s memory holds no key after all that; the same search finds those of the sandbox', async () => {
  const { pids } = product.dev();
  // The keys are there and work: it is not that nothing was stored.
  const stored = await rowsOf(product.directory, "SELECT 1 FROM audit_events WHERE kind = 'key.connected'");
  expect(stored.length).toBeGreaterThanOrEqual(3);
  const swept = sweepMemory(pids.server, 'server', clearKeys);
  expect(swept.bytes).toBeGreaterThan(20_000_000);
  expect(swept.hits).toEqual([]);
  expect(sweepMemory(pids.sandbox, 'sandbox', clearKeys).hits.length).toBeGreaterThan(0);
  await collector.close();
});
