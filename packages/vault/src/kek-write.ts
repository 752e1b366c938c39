/** Makes KEKs and changes their file. What is written never passes through a string. */
import { randomFillSync } from 'node:crypto';
import {
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { newId } from '@ownkey/contract/ids';
import { KEK_BYTES, type Kek, KekError, kekFromBytes } from './kek.ts';
import { codeOf, HEADER, HEX, WRAPPED_HEADER, withEntries } from './kek-file.ts';
import type { KekWrapper } from './kek-source.ts';
import { allocateSecret } from './secret-bytes.ts';

export const FILE_KEKS_MAX = 8;
const LINE_END = Buffer.from('\n');

/**
 * Makes a new KEK and writes it to `path` (mode 0600, flushed to disk). Of two processes that race for the same path one wins.
 * @throws KekError `exists`: a file is there already, and it is never overwritten
 */
export function createKekFile(path: string): Kek {
  const { kek, block } = newPlainBlock();
  try {
    syncAndClose(writeNewFile(path, [block]));
  } finally {
    block.fill(0);
  }
  return kek;
}

/**
 * Writes the file as it will be, with one KEK more and without those of `remove`, to `<path>.new`; `publishKekFile` puts it in place.
 * @throws KekError
 */
export function draftKekFile(path: string, change: { add?: Buffer; remove?: ReadonlySet<string> }): void {
  withEntries(path, (entries) => {
    const kept = entries.filter(({ id }) => !change.remove?.has(id));
    if (kept.length + (change.add ? 1 : 0) > FILE_KEKS_MAX) {
      throw new KekError(
        'size',
        `${path} holds ${kept.length} master keys, the most there may be; destroy old ones first`,
      );
    }
    rmSync(draftOf(path), { force: true });
    const draft = writeNewFile(draftOf(path), [
      ...kept.flatMap(({ block }) => (block.at(-1) === 10 ? [block] : [block, LINE_END])),
      ...(change.add ? [change.add] : []),
    ]);
    closeSync(draft);
  });
}

/** Where a changed file is prepared. */
export const draftOf = (path: string): string => `${path}.new`;

/** A new KEK and its lines for the file, which the caller erases. With a wrapper, only what it gave is in the lines. */
export async function newKekBlock(wrapper: KekWrapper | null): Promise<{ kek: Kek; block: Buffer }> {
  if (wrapper === null) return newPlainBlock();
  const id = newId('kek');
  const raw = allocateSecret(KEK_BYTES);
  randomFillSync(raw);
  let wrapped: string;
  try {
    wrapped = await wrapper.wrap(raw);
  } catch (error) {
    raw.fill(0);
    throw error;
  }
  const kek = kekFromBytes(id, raw);
  return {
    kek,
    block: Buffer.from(`${WRAPPED_HEADER}\nid ${id}\nkey ${wrapped}\ncheck ${kek.checkValue}\n`, 'latin1'),
  };
}

function newPlainBlock(): { kek: Kek; block: Buffer } {
  const id = newId('kek');
  const raw = allocateSecret(KEK_BYTES);
  randomFillSync(raw);
  const digits = allocateSecret(KEK_BYTES * 2);
  for (const [i, byte] of raw.entries()) {
    digits[i * 2] = HEX[byte >> 4] ?? 0;
    digits[i * 2 + 1] = HEX[byte & 15] ?? 0;
  }
  const kek = kekFromBytes(id, raw);
  const [head, tail] = [
    Buffer.from(`${HEADER}\nid ${id}\nkey `, 'latin1'),
    Buffer.from(`\ncheck ${kek.checkValue}\n`, 'latin1'),
  ];
  const block = allocateSecret(head.length + digits.length + tail.length);
  head.copy(block);
  digits.copy(block, head.length);
  tail.copy(block, head.length + digits.length);
  digits.fill(0);
  return { kek, block };
}

/** The draft of the first file of an installation; `publishFirstKekFile` puts it in place. */
export function draftFirstKekFile(path: string, block: Buffer): void {
  rmSync(draftOf(path), { force: true });
  closeSync(writeNewFile(draftOf(path), [block]));
}

/** Of two processes that race for the same path one wins. Reads nothing. @throws the system's error (EEXIST) when there is a file */
export function publishFirstKekFile(path: string): void {
  syncAndClose(openSync(draftOf(path), constants.O_RDONLY));
  try {
    linkSync(draftOf(path), path);
    syncDirectory(dirname(path));
  } finally {
    rmSync(draftOf(path), { force: true });
  }
}

/**
 * Puts the draft of `path` in its place, for good: it survives a crash from here on, belongs to whom the old one belonged to, and the old
 * bytes are overwritten (which flash and copying file systems may not do in place). Reads nothing. Does nothing without a draft.
 */
export function publishKekFile(path: string): void {
  let draft: number;
  try {
    draft = openSync(draftOf(path), constants.O_RDONLY);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  syncAndClose(draft); // here, not where it was written: a process behind walls may not
  const target = realpathSync(path);
  const { uid, gid, size } = statSync(target);
  chownSync(draftOf(path), uid, gid);
  const old = openToOverwrite(target);
  renameSync(draftOf(path), target);
  syncDirectory(dirname(target));
  if (old === null) return;
  try {
    writeSync(old, Buffer.alloc(size), 0, size, 0);
    fsyncSync(old);
  } finally {
    closeSync(old);
  }
}

/** A file that even its owner may not write is let go of as it is. */
function openToOverwrite(path: string): number | null {
  try {
    return openSync(path, constants.O_WRONLY);
  } catch (error) {
    if (codeOf(error) === 'EACCES') return null;
    throw error;
  }
}

function syncDirectory(path: string): void {
  syncAndClose(openSync(path, constants.O_RDONLY));
}

function syncAndClose(fd: number): void {
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** A new file, written and still open. */
function writeNewFile(path: string, chunks: readonly Buffer[]): number {
  let fd: number;
  try {
    fd = openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    throw new KekError(
      'exists',
      `${path} exists and is never overwritten; move it away first if you want a new master key`,
    );
  }
  try {
    // Where an odd umask took rights away; a walled process may not ask for more than it has.
    if ((fstatSync(fd).mode & 0o777) !== 0o600) fchmodSync(fd, 0o600);
    for (const chunk of chunks) for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
    return fd;
  } catch (error) {
    unlinkSync(path);
    closeSync(fd);
    throw error;
  }
}
