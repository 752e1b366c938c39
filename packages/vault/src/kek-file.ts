/**
 * The KEK's file. Text, four lines, so that an operator can tell it from noise and a cut or mixed-up file is refused:
 *
 *     ownkey master key v1
 *     id kek_…
 *     key <64 hexadecimal digits>
 *     check <32 hexadecimal digits>
 *
 * The key is read and written as bytes: no string ever holds it.
 */
import { randomFillSync, timingSafeEqual } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { newId } from '@ownkey/contract/ids';
import { KEK_BYTES, type Kek, KekError, kekFromBytes } from './kek.ts';
import { allocateSecret } from './secret-bytes.ts';

const HEADER = 'ownkey master key v1';
const FILE_BYTES_MAX = 512;
const HEX = Buffer.from('0123456789abcdef', 'latin1');

/**
 * Makes a new KEK and writes it to `path` (mode 0600, flushed to disk). Of two processes that race for the same path one wins.
 * @throws KekError `exists`: a file is there already, and it is never overwritten
 */
export function createKekFile(path: string): Kek {
  const id = newId('kek');
  const raw = allocateSecret(KEK_BYTES);
  randomFillSync(raw);
  const digits = allocateSecret(KEK_BYTES * 2);
  for (const [i, byte] of raw.entries()) {
    digits[i * 2] = HEX[byte >> 4] ?? 0;
    digits[i * 2 + 1] = HEX[byte & 15] ?? 0;
  }
  const kek = kekFromBytes(id, raw);
  try {
    writeNewFile(path, [
      Buffer.from(`${HEADER}\nid ${id}\nkey `, 'latin1'),
      digits,
      Buffer.from(`\ncheck ${kek.checkValue}\n`, 'latin1'),
    ]);
  } finally {
    digits.fill(0);
  }
  return kek;
}

/**
 * Reads a KEK file. Links are followed (mounted secrets are links), but what they lead to must be a regular file that nobody but
 * its owner can read.
 * @throws KekError with what is wrong and what to do
 */
export function loadKekFile(path: string): Kek {
  const bytes = readPrivateFile(path);
  try {
    return parseKekFile(bytes, path);
  } finally {
    bytes.fill(0);
  }
}

function parseKekFile(bytes: Buffer, path: string): Kek {
  const unreadable = (what: string) =>
    new KekError(
      'format',
      `${path} is not a complete master key file (${what}); put back the original from your backup`,
    );
  const lines = splitLines(bytes);
  const [header, idLine, keyLine, checkLine, ...rest] = lines;
  if (header?.toString('latin1') !== HEADER) throw unreadable('first line');
  const id = idLine && /^id (kek_[0-9a-z]{8,60})$/.exec(idLine.toString('latin1'))?.[1];
  if (!id) throw unreadable('id line');
  if (keyLine?.subarray(0, 4).toString('latin1') !== 'key ') throw unreadable('key line');
  const check = checkLine && /^check ([0-9a-f]{32})$/.exec(checkLine.toString('latin1'))?.[1];
  if (!check || rest.length > 0) throw unreadable('check line');
  const raw = fromHex(keyLine.subarray(4));
  if (!raw)
    throw new KekError('size', `the key in ${path} does not have ${KEK_BYTES} bytes; put back the original file`);
  const kek = kekFromBytes(id, raw);
  if (!timingSafeEqual(Buffer.from(kek.checkValue), Buffer.from(check))) {
    throw new KekError(
      'check',
      `the key in ${path} does not match its own check value: the file is damaged or was edited`,
    );
  }
  return kek;
}

function splitLines(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const at = bytes.indexOf(10, start);
    const end = at < 0 ? bytes.length : at;
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return lines;
}

function fromHex(digits: Buffer): Buffer | null {
  if (digits.length !== KEK_BYTES * 2) return null;
  const raw = allocateSecret(KEK_BYTES);
  for (let i = 0; i < KEK_BYTES; i++) {
    const high = HEX.indexOf(digits[i * 2] ?? 0);
    const low = HEX.indexOf(digits[i * 2 + 1] ?? 0);
    if (high < 0 || low < 0) {
      raw.fill(0);
      return null;
    }
    raw[i] = high * 16 + low;
  }
  return raw;
}

function writeNewFile(path: string, chunks: readonly Buffer[]): void {
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
    fchmodSync(fd, 0o600);
    for (const chunk of chunks) for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
    fsyncSync(fd);
  } catch (error) {
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(fd);
  }
}

function readPrivateFile(path: string): Buffer {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK); // not blocking: a named pipe must not hang the start
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    throw new KekError(
      'missing',
      `there is no master key at ${path}; run "ownkey init" to make one, or put yours there`,
    );
  }
  try {
    const stat = fstatSync(fd); // of the opened file, so that it cannot be exchanged in between
    if (!stat.isFile()) throw new KekError('not_a_file', `${path} is not a regular file`);
    if ((stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
      throw new KekError('permissions', `${path} can be read by others (mode ${mode}); run: chmod 600 ${path}`);
    }
    if (stat.size === 0 || stat.size > FILE_BYTES_MAX) {
      throw new KekError(
        'size',
        `${path} has ${stat.size} bytes, which no master key file has; put back the original file`,
      );
    }
    const bytes = allocateSecret(stat.size);
    let at = 0;
    for (let read = 1; read > 0 && at < bytes.length; at += read)
      read = readSync(fd, bytes, at, bytes.length - at, null);
    return bytes;
  } finally {
    closeSync(fd);
  }
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error ? String(error.code) : null;
}
