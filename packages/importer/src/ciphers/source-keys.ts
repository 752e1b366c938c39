/**
 * The key of the store that is imported. It comes on a descriptor, is read and decoded as bytes, and is overwritten when the import
 * ends: no string, argument or variable of the environment ever holds it.
 */
import { closeSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ImportSource } from '@ownkey/contract/import-order';
import { allocateSecret } from '@ownkey/vault/secret-bytes';
import { ImportUsageError } from '../faults.ts';
import { decodeSecretBase64, decodeSecretHex } from './decode-text.ts';

export const SOURCE_KEY_BYTES = 32;
const INPUT_BYTES_MAX = 16_384;
const AGAIN_MS = 10;

/** One key or several, the newest first: all are tried. */
export interface SourceKeys {
  readonly keys: readonly Buffer[];
  /** Overwrites all of them. Idempotent. */
  erase(): void;
}

/**
 * Reads the keys on `fd` to its end and closes it. One a line; blank lines do not count.
 * @throws ImportUsageError naming the line that is no key
 */
export async function readSourceKeys(fd: number, from: ImportSource): Promise<SourceKeys> {
  const input = allocateSecret(INPUT_BYTES_MAX + 1);
  try {
    const length = await readAll(fd, input);
    if (length > INPUT_BYTES_MAX) throw new ImportUsageError('The source key is far too long: give the key alone.');
    return parseSourceKeys(input.subarray(0, length), from);
  } finally {
    input.fill(0);
    closeSync(fd);
  }
}

/** The keys in `input`, which the caller erases. @throws ImportUsageError */
export function parseSourceKeys(input: Uint8Array, from: ImportSource): SourceKeys {
  const keys: Buffer[] = [];
  const erase = (): void => {
    for (const key of keys) key.fill(0);
  };
  try {
    let line = 0;
    for (let start = 0; start <= input.length; ) {
      const feed = input.indexOf(0x0a, start);
      const end = feed < 0 ? input.length : feed;
      line++;
      const text = trim(input, start, end);
      if (text.length > 0) keys.push(decodeKey(text, from, line));
      start = end + 1;
    }
    if (keys.length === 0) throw new ImportUsageError('There is no source key: its descriptor or file is empty.');
    return { keys, erase };
  } catch (error) {
    erase();
    throw error;
  }
}

function decodeKey(text: Uint8Array, from: ImportSource, line: number): Buffer {
  const hex = from !== 'fernet' && text.length === SOURCE_KEY_BYTES * 2 ? decodeSecretHex(text) : null;
  const key = hex ?? decodeSecretBase64(text);
  const forms = from === 'fernet' ? 'URL-safe base64' : 'hexadecimal or base64';
  if (key === null) throw new ImportUsageError(`Line ${line} of the source key is not ${forms}.`);
  if (key.length !== SOURCE_KEY_BYTES) {
    const length = key.length;
    key.fill(0);
    throw new ImportUsageError(
      `Line ${line} of the source key has ${length} bytes; a key of ${from} has ${SOURCE_KEY_BYTES}, written in ${forms}.`,
    );
  }
  return key;
}

function trim(input: Uint8Array, from: number, to: number): Uint8Array {
  const blank = (at: number): boolean => [0x20, 0x09, 0x0d].includes(input[at] ?? 0);
  let start = from;
  let end = to;
  while (start < end && blank(start)) start++;
  while (end > start && blank(end - 1)) end--;
  return input.subarray(start, end);
}

async function readAll(fd: number, into: Buffer): Promise<number> {
  let at = 0;
  while (at < into.length) {
    const read = readSome(fd, into, at);
    if (read === 0) break;
    if (read === null) await sleep(AGAIN_MS);
    else at += read;
  }
  return at;
}

/** Bytes read, 0 at the end, null where a pipe has nothing yet. */
function readSome(fd: number, into: Buffer, at: number): number | null {
  try {
    return readSync(fd, into, at, into.length - at, null);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'EAGAIN') return null;
    if (code === 'EOF') return 0;
    throw new ImportUsageError(`The source key cannot be read (${String(code)}): is its descriptor open for reading?`);
  }
}
