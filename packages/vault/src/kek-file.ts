/**
 * The file of the KEKs. Text, four lines a KEK, so that an operator can tell it from noise and a cut or mixed-up file is refused:
 *
 *     ownkey master key v1
 *     id kek_…
 *     key <64 hexadecimal digits>
 *     check <32 hexadecimal digits>
 *
 * Where a KMS wraps it, the first line is `ownkey wrapped master key v1` and `key` what the KMS gave. Mostly there is one KEK; during
 * a rotation, and until the old one is destroyed, there are more. A key is read and written as bytes: no string ever holds it.
 */
import { timingSafeEqual } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { KEK_BYTES, type Kek, KekError, kekFromBytes } from './kek.ts';
import type { KekWrapper } from './kek-source.ts';
import { allocateSecret } from './secret-bytes.ts';

export const HEADER = 'ownkey master key v1';
export const WRAPPED_HEADER = 'ownkey wrapped master key v1';
const FILE_BYTES_MAX = 16_384;
export const HEX = Buffer.from('0123456789abcdef', 'latin1');

/** One KEK of a file, still as it is written there. `block` may hold the key: it is erased by whoever read it. */
export interface Entry {
  readonly id: string;
  readonly checkValue: string;
  readonly wrapped: string | null;
  readonly raw: Buffer | null;
  readonly block: Buffer;
}

/** A KEK of a file without its key. */
export type ListedKek = Pick<Entry, 'id' | 'checkValue' | 'wrapped'>;

/**
 * Reads a file of one KEK that no KMS wraps. Links are followed (mounted secrets are links), but what they lead to must be a regular
 * file that nobody but its owner can read.
 * @throws KekError with what is wrong and what to do
 */
export function loadKekFile(path: string): Kek {
  return withEntries(path, (entries) => {
    const [entry] = entries;
    if (!entry?.raw) throw wrappedWithoutKms(path);
    return kekOf(entry, entry.raw, path);
  });
}

/** The KEKs of a file without their keys. @throws KekError */
export function listKekFile(path: string): ListedKek[] {
  return withEntries(path, (entries) => entries.map(({ id, checkValue, wrapped }) => ({ id, checkValue, wrapped })));
}

/**
 * The KEKs of a file, in its order; those in `known` are left out, so that a KMS is asked for new ones alone.
 * @throws KekError, and what the wrapper throws
 */
export async function loadKeks(
  path: string,
  wrapper: KekWrapper | null,
  known: ReadonlySet<string> = new Set(),
): Promise<Kek[]> {
  const found = withEntries(path, (entries) =>
    entries
      .filter(({ id }) => !known.has(id))
      .map((entry) => ({ entry, kek: entry.raw === null ? null : kekOf(entry, entry.raw, path) })),
  );
  const keks: Kek[] = [];
  for (const { entry, kek } of found) {
    if (kek) keks.push(kek);
    else if (wrapper === null || entry.wrapped === null) throw wrappedWithoutKms(path);
    else keks.push(kekOf(entry, await wrapper.unwrap(entry.wrapped), path));
  }
  return keks;
}

/** Lends what the file says to `use` and erases it. */
export function withEntries<T>(path: string, use: (entries: Entry[]) => T): T {
  const bytes = readPrivateFile(path);
  const entries: Entry[] = [];
  try {
    const lines = splitLines(bytes);
    do entries.push(parseEntry(lines.splice(0, 4), path));
    while (lines.length > 0);
    return use(entries);
  } finally {
    bytes.fill(0);
    for (const { raw } of entries) raw?.fill(0);
  }
}

function parseEntry(lines: readonly Line[], path: string): Entry {
  const unreadable = (what: string) =>
    new KekError(
      'format',
      `${path} is not a complete master key file (${what}); put back the original from your backup`,
    );
  const [header, idLine, keyLine, checkLine] = lines;
  const isWrapped = header?.text.toString('latin1') === WRAPPED_HEADER;
  if (!isWrapped && header?.text.toString('latin1') !== HEADER) throw unreadable('first line');
  const id = idLine && /^id (kek_[0-9a-z]{8,60})$/.exec(idLine.text.toString('latin1'))?.[1];
  if (!id) throw unreadable('id line');
  if (keyLine?.text.subarray(0, 4).toString('latin1') !== 'key ') throw unreadable('key line');
  const checkValue = checkLine && /^check ([0-9a-f]{32})$/.exec(checkLine.text.toString('latin1'))?.[1];
  if (!checkValue) throw unreadable('check line');
  const block = header.from.subarray(header.start, checkLine.end);
  if (isWrapped) {
    const wrapped = /^[\x21-\x7e]{8,2048}$/.exec(keyLine.text.subarray(4).toString('latin1'))?.[0];
    if (!wrapped) throw unreadable('key line');
    return { id, checkValue, wrapped, raw: null, block };
  }
  const raw = fromHex(keyLine.text.subarray(4));
  if (!raw)
    throw new KekError('size', `the key in ${path} does not have ${KEK_BYTES} bytes; put back the original file`);
  return { id, checkValue, wrapped: null, raw, block };
}

function kekOf(entry: Entry, raw: Buffer, path: string): Kek {
  const kek = kekFromBytes(entry.id, raw);
  if (!timingSafeEqual(Buffer.from(kek.checkValue), Buffer.from(entry.checkValue))) {
    throw new KekError(
      'check',
      `the key in ${path} does not match its own check value: the file is damaged or was edited`,
    );
  }
  return kek;
}

function wrappedWithoutKms(path: string): KekError {
  return new KekError('source', `the master key in ${path} is wrapped by a KMS; set OWNKEY_KEK_SOURCE=transit`);
}

interface Line {
  readonly text: Buffer;
  readonly from: Buffer;
  readonly start: number;
  /** Behind its line feed. */
  readonly end: number;
}

function splitLines(bytes: Buffer): Line[] {
  const lines: Line[] = [];
  for (let start = 0; start < bytes.length; ) {
    const at = bytes.indexOf(10, start);
    const end = at < 0 ? bytes.length : at;
    lines.push({ text: bytes.subarray(start, end), from: bytes, start, end: Math.min(end + 1, bytes.length) });
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

export function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error ? String(error.code) : null;
}
