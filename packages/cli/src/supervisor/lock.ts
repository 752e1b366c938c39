import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processIdentity } from '../process-table.ts';

/** The lock on a data directory, held by this process. */
export interface DataDirectoryLock {
  /** True when the owner before was killed: its processes may still be ending. */
  readonly afterKill: boolean;
  release(): void;
}

/** Another living process owns the data directory. */
export class DataDirectoryInUse extends Error {
  readonly pid: number;

  constructor(dataDirectory: string, owner: Owner) {
    super(
      `${dataDirectory} is in use by \`ownkey ${owner.command}\` (process ${owner.pid}, started ${owner.startedAt}).\n` +
        `Stop it first (kill ${owner.pid}), or choose another folder with OWNKEY_DATA_DIR.`,
    );
    this.name = 'DataDirectoryInUse';
    this.pid = owner.pid;
  }
}

interface Owner {
  readonly pid: number;
  readonly identity: string;
  readonly command: string;
  readonly startedAt: string;
}

const ATTEMPTS = 100;

/**
 * Takes the data directory for this process. The lock file names its owner by process id and start time, so the lock of a
 * killed process counts for nothing and a reused id is not mistaken for the owner. Of several processes that try at the same
 * time one wins: the file appears by link, and a dead owner's file is removed under a lock of the same kind.
 * @throws DataDirectoryInUse
 */
export async function lockDataDirectory(dataDirectory: string, command: string): Promise<DataDirectoryLock> {
  const file = join(dataDirectory, 'ownkey.lock');
  const takeover = `${file}.takeover`;
  let afterKill = false;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const mine = claim(file, command);
    if (mine !== null) return { afterKill, release: () => removeIf(file, mine) };
    const found = read(file);
    if (found === null) continue;
    if (isLiving(found.owner)) throw new DataDirectoryInUse(dataDirectory, found.owner);
    const guard = claim(takeover, command);
    if (guard === null) {
      const holder = read(takeover);
      if (holder !== null && !isLiving(holder.owner)) removeIf(takeover, holder.text);
      await sleep(10);
      continue;
    }
    removeIf(file, found.text);
    afterKill = true;
    removeIf(takeover, guard);
  }
  throw new Error(`${file} could not be taken; if no Ownkey runs on this folder, remove it`);
}

/** Creates the file naming this process; its text, or null when the file exists. */
function claim(file: string, command: string): string | null {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  const text = JSON.stringify({
    pid: process.pid,
    identity: processIdentity(process.pid) ?? '',
    command,
    startedAt: new Date().toISOString(),
    nonce: randomBytes(6).toString('hex'),
  });
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(draft, file);
    return text;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return null;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function read(file: string): { owner: Owner | null; text: string } | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return null;
  }
  return { owner: parseOwner(text), text };
}

function parseOwner(text: string): Owner | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || !('pid' in value) || !('identity' in value)) return null;
  return {
    pid: Number(value.pid),
    identity: String(value.identity),
    command: 'command' in value ? String(value.command) : '?',
    startedAt: 'startedAt' in value ? String(value.startedAt) : '?',
  };
}

function isLiving(owner: Owner | null): owner is Owner {
  return owner !== null && owner.identity !== '' && processIdentity(owner.pid) === owner.identity;
}

function removeIf(file: string, text: string): void {
  if (read(file)?.text === text) rmSync(file, { force: true });
}

/** Who owns the data directory now, in words; null when nobody does. For `doctor`. */
export function dataDirectoryOwner(dataDirectory: string): string | null {
  const found = read(join(dataDirectory, 'ownkey.lock'));
  return found !== null && isLiving(found.owner) ? `ownkey ${found.owner.command}, process ${found.owner.pid}` : null;
}
