import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processIdentity } from '../process-table.ts';
import { DataDirectoryInUse, dataDirectoryOwner, lockDataDirectory } from './lock.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ownkey-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const lockFile = (): string => join(folder, 'ownkey.lock');

function writeOwner(pid: number, identity: string): void {
  writeFileSync(lockFile(), JSON.stringify({ pid, identity, command: 'dev', startedAt: 'then' }));
}

test('a second taker is told the process that owns the folder and how to stop it', async () => {
  const lock = await lockDataDirectory(folder, 'dev');
  await expect(lockDataDirectory(folder, 'start')).rejects.toThrow(DataDirectoryInUse);
  await expect(lockDataDirectory(folder, 'start')).rejects.toThrow(`in use by \`ownkey dev\` (process ${process.pid}`);
  await expect(lockDataDirectory(folder, 'start')).rejects.toThrow(`kill ${process.pid}`);
  expect(dataDirectoryOwner(folder)).toBe(`ownkey dev, process ${process.pid}`);
  lock.release();
});

test('a released folder can be taken again and nothing is left in it', async () => {
  (await lockDataDirectory(folder, 'dev')).release();
  const again = await lockDataDirectory(folder, 'dev');
  expect(again.afterKill).toBe(false);
  again.release();
  expect(readdirSync(folder)).toEqual([]);
  expect(dataDirectoryOwner(folder)).toBeNull();
});

test('the lock of a killed process counts for nothing', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  const pid = child.pid ?? 0;
  writeOwner(pid, processIdentity(pid) ?? '');
  await expect(lockDataDirectory(folder, 'dev')).rejects.toThrow(DataDirectoryInUse);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
  const lock = await lockDataDirectory(folder, 'dev');
  expect(lock.afterKill).toBe(true);
  lock.release();
});

test('a process id that was given to another process is not taken for the owner', async () => {
  writeOwner(process.pid, 'another life of this id');
  (await lockDataDirectory(folder, 'dev')).release();
});

test.each(['', '{', '[]', 'null'])('a damaged lock file (%j) does not bar the folder', async (text) => {
  writeFileSync(lockFile(), text);
  (await lockDataDirectory(folder, 'dev')).release();
});

test('of many takers of a dead lock exactly one wins', async () => {
  writeOwner(process.pid, 'dead');
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => lockDataDirectory(folder, 'dev')));
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(readdirSync(folder)).toEqual(['ownkey.lock']);
  expect(readFileSync(lockFile(), 'utf8')).toContain(`"pid":${process.pid}`);
});
