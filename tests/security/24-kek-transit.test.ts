import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listKekFile, loadKekFile } from '@ownkey/vault/kek-file';
import { createKekFile } from '@ownkey/vault/kek-write';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { useTestDatabase } from '../kit/postgres.ts';
import { startTransitStandIn, type TransitStandIn } from '../kit/transit-stand-in.ts';

/** Threat 24 with a KMS: the built command and worker processes, against a loopback stand-in for Transit's HTTP API. */
const CLI = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));

const database = useTestDatabase();
let directory: string;
let kms: TransitStandIn;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ownkey-transit-'));
  writeFileSync(join(directory, 'token'), 'hvs.canary-token-0123456789', { mode: 0o600 });
  kms = await startTransitStandIn();
});
afterAll(() => {
  kms.close();
  rmSync(directory, { recursive: true, force: true });
});

function run(
  words: readonly string[],
  kek: string,
  more: Record<string, string> = {},
): Promise<{ code: number | null; output: string }> {
  const env: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    OWNKEY_DATA_DIR: directory,
    OWNKEY_KEK_FILE: join(directory, kek),
    OWNKEY_WORKER_DATABASE_URL: database.workerUrl,
    OWNKEY_CONTROL_DATABASE_URL: database.controlUrl,
    OWNKEY_KEK_SOURCE: 'transit',
    OWNKEY_TRANSIT_URL: kms.url,
    OWNKEY_TRANSIT_HTTP_ALLOW: new URL(kms.url).host,
    OWNKEY_TRANSIT_KEY: 'ownkey',
    OWNKEY_TRANSIT_TOKEN_FILE: join(directory, 'token'),
    ...more,
  };
  const child = spawn(process.execPath, [CLI, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })));
}

test('a plain master key is replaced by a wrapped one, and the file then holds no key', async () => {
  createKekFile(join(directory, 'kek'));
  const plain = loadKekFile(join(directory, 'kek'));
  const { code, output } = await run(['kek', 'rotate', '--destroy-old'], 'kek');
  expect([code, output]).toEqual([0, expect.stringContaining(`Destroyed ${plain.id}`)]);
  const listed = listKekFile(join(directory, 'kek'));
  expect(listed).toEqual([expect.objectContaining({ wrapped: expect.stringMatching(/^vault:v1:/) })]);
  expect(readFileSync(join(directory, 'kek'), 'latin1')).not.toMatch(/key [0-9a-f]{64}/);
  expect(output).not.toContain('canary-token');
  const status = await run(['kek', 'status'], 'kek');
  expect(status.output).toContain(`${listed[0]?.id}  current`);
  expect(status.output).toContain('transit, in the file');
});

test('`ownkey init` makes a wrapped master key and overwrites none', async () => {
  const made = await run(['init'], 'fresh', { DATABASE_URL: database.ownerUrl });
  expect(made.output).toContain(`Made the master key ${join(directory, 'fresh')}`);
  const [first] = listKekFile(join(directory, 'fresh'));
  expect(first?.wrapped).toMatch(/^vault:v1:/);
  const again = await run(['init'], 'fresh', { DATABASE_URL: database.ownerUrl });
  expect(again.output).toContain('is there already');
  expect(listKekFile(join(directory, 'fresh'))).toEqual([first]);
});

test('a start whose KMS refuses says what to do and serves nothing', async () => {
  writeFileSync(
    join(directory, 'kek.other'),
    readFileSync(join(directory, 'kek'), 'latin1').replace(/key vault:v1:..../, 'key vault:v1:AAAA'),
    {
      mode: 0o600,
    },
  );
  const { code, output } = await run(['worker', '--allow-root'], 'kek.other', { OWNKEY_GATEWAY_PORT: '0' });
  expect(code).toBe(1);
  expect(output).toContain('it was wrapped by another Transit key');
});
