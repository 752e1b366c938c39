import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { seedFlags, serverFlags, workerFlags } from './worker-flags.ts';

const READABLE = ['/app/packages/worker/dist/', '/data/kek'];

test.each([
  ['v20.20.2', '--experimental-permission', []],
  ['v22.12.0', '--experimental-permission', []],
  ['v22.13.0', '--permission', ['--report-exclude-env']],
  ['v22.23.3', '--permission', ['--disable-sigusr1', '--report-exclude-env']],
  ['v23.4.0', '--experimental-permission', ['--report-exclude-env']],
  ['v24.21.0', '--permission', ['--disable-sigusr1', '--report-exclude-env']],
  ['v26.1.0', '--permission', ['--allow-net', '--disable-sigusr1', '--report-exclude-env']],
])('on Node %s the worker runs under %s with the flags that version knows', (version, permission, added) => {
  const flags = workerFlags(version, READABLE);
  expect(flags[0]).toBe(permission);
  for (const flag of added) expect(flags).toContain(flag);
  for (const flag of ['--allow-net', '--disable-sigusr1', '--report-exclude-env']) {
    expect(flags.includes(flag)).toBe(added.includes(flag));
  }
});

test('the worker may read what it is told and is allowed nothing else', () => {
  const flags = workerFlags('v20.20.2', READABLE);
  expect(flags.filter((flag) => flag.startsWith('--allow'))).toEqual(READABLE.map((path) => `--allow-fs-read=${path}`));
  expect(flags).toEqual(
    expect.arrayContaining(['--no-addons', '--disable-proto=throw', '--disallow-code-generation-from-strings']),
  );
});

test('the server has the same wall around files, and may start threads; its seeds may not', () => {
  const wall = workerFlags('v20.20.2', READABLE).slice(0, 3);
  const server = serverFlags('v20.20.2', READABLE);
  expect(server.slice(0, 3)).toEqual(wall);
  expect(server.filter((flag) => flag.startsWith('--allow')).slice(READABLE.length)).toEqual(['--allow-worker']);
  expect(seedFlags('v20.20.2', READABLE).slice(0, 3)).toEqual(wall);
  expect(seedFlags('v20.20.2', READABLE)).not.toContain('--allow-worker');
});

test("a thread of the server, started without flags of its own, is behind the server's wall", () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'ownkey-wall-')));
  try {
    const program = join(folder, 'program.cjs');
    const thread =
      "try { require('node:fs').readFileSync('/etc/hostname'); console.log('read'); } catch (error) { console.log(error.code); }";
    writeFileSync(
      program,
      `new (require('node:worker_threads').Worker)(${JSON.stringify(thread)}, { eval: true, env: {} });`,
    );
    const flags = serverFlags(process.version, [`${folder}/`]);
    expect(execFileSync(process.execPath, [...flags, program], { encoding: 'utf8' }).trim()).toBe('ERR_ACCESS_DENIED');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each(['v18.20.0', 'v16.0.0', 'latest'])('Node %s is refused', (version) => {
  expect(() => workerFlags(version, READABLE)).toThrow();
});
