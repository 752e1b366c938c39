import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { waitUntil } from '@ownkey/cli/wait';
import { createKekFile } from '@ownkey/vault/kek-write';

const CLI = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));

/** A folder with a master key and room for exports. */
export interface ImportPlace {
  readonly directory: string;
  readonly kekFile: string;
  /** Writes a file of the folder and gives its path. */
  write(name: string, content: string | Buffer): string;
}

export function makeImportPlace(): ImportPlace {
  const directory = mkdtempSync(join(tmpdir(), 'ownkey-import-'));
  const kekFile = join(directory, 'kek');
  createKekFile(kekFile);
  return {
    directory,
    kekFile,
    write(name, content) {
      writeFileSync(join(directory, name), content, { mode: 0o600 });
      return join(directory, name);
    },
  };
}

/** `ownkey import`, running. */
export interface ImportRun {
  readonly process: ChildProcess;
  /** Id of the process that opens the keys. */
  worker(): Promise<number>;
  /** The lines of the report so far, without its header. */
  lines(): string[];
  stderr(): string;
  readonly ended: Promise<number | null>;
}

/** Starts the built command. `sourceKey` is a file that becomes descriptor 3; null = none is given. */
export function startImport(
  place: ImportPlace,
  databaseUrl: string,
  sourceKey: string | null,
  words: readonly string[],
): ImportRun {
  const fd = sourceKey === null ? null : openSync(sourceKey, 'r');
  const child = spawn(process.execPath, [CLI, 'import', ...words], {
    cwd: place.directory,
    env: {
      PATH: process.env.PATH ?? '',
      OWNKEY_DATA_DIR: place.directory,
      OWNKEY_KEK_FILE: place.kekFile,
      OWNKEY_WORKER_DATABASE_URL: databaseUrl,
    },
    stdio: ['pipe', 'pipe', 'pipe', fd ?? 'ignore'],
  });
  if (fd !== null) closeSync(fd);
  child.stdin?.on('error', () => {}); // it ends when it refuses what it reads
  const out = collect(child.stdout);
  const err = collect(child.stderr);
  return {
    process: child,
    async worker() {
      const children = (): string => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
      if (!(await waitUntil(() => children() !== '', 20_000))) throw new Error('the command started no process');
      return Number(children().split(' ')[0]);
    },
    lines: () => out().split('\n').slice(1, -1),
    stderr: err,
    ended: once(child, 'close').then(([code]) => code),
  };
}

function collect(stream: Readable | null): () => string {
  let text = '';
  stream?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return () => text;
}
