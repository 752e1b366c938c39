import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImportSource } from '@ownkey/contract/import-order';
import { describe, expect, test } from 'vitest';
import { ImportUsageError } from '../faults.ts';
import { parseSourceKeys, readSourceKeys } from './source-keys.ts';

const raw = Buffer.from(Array.from({ length: 32 }, (_, i) => (i * 37 + 251) & 255));
const parse = (text: string, from: ImportSource = 'secretbox') => parseSourceKeys(Buffer.from(text), from).keys;

describe('a source key', () => {
  test.each<[string, string, ImportSource]>([
    ['hexadecimal', raw.toString('hex'), 'secretbox'],
    ['upper-case hexadecimal', raw.toString('hex').toUpperCase(), 'aes-256-gcm'],
    ['base64', raw.toString('base64'), 'secretbox'],
    ['base64 without padding', raw.toString('base64').replace('=', ''), 'aes-256-gcm'],
    ['URL-safe base64', raw.toString('base64url'), 'secretbox'],
    ['URL-safe base64 for Fernet', `${raw.toString('base64url')}=`, 'fernet'],
    ['base64 between blanks and line breaks', `\r\n  ${raw.toString('base64')}\t\r\n\n`, 'secretbox'],
  ])('is read from %s', (_, text, from) => {
    expect(parse(text, from)).toEqual([raw]);
  });

  test('may come with others, in their order', () => {
    const other = randomBytes(32);
    expect(parse(`${other.toString('base64url')}\n${raw.toString('base64url')}\n`, 'fernet')).toEqual([other, raw]);
  });

  test.each<[string, string, ImportSource, RegExp]>([
    ['nothing', '', 'fernet', /no source key/],
    ['blank lines', ' \n\n', 'secretbox', /no source key/],
    ['16 bytes', raw.subarray(16).toString('base64'), 'secretbox', /Line 1 .* has 16 bytes; .* has 32/],
    ['33 bytes', Buffer.concat([raw, raw.subarray(31)]).toString('base64'), 'aes-256-gcm', /has 33 bytes/],
    ['hexadecimal of 16 bytes', raw.subarray(16).toString('hex'), 'secretbox', /has 24 bytes/],
    ['hexadecimal for Fernet', raw.toString('hex'), 'fernet', /has 48 bytes/],
    ['a letter too many', `${raw.toString('hex')}g`, 'secretbox', /Line 1 .* is not hexadecimal or base64/],
    ['padding in its middle', `${raw.toString('base64')}=`, 'secretbox', /is not/],
    ['a bad second line', `${raw.toString('hex')}\n!`, 'secretbox', /Line 2/],
  ])('of %s is refused by its line and length, without a part of it', (_, text, from, problem) => {
    const refusal = () => parse(text, from);
    expect(refusal).toThrow(ImportUsageError);
    expect(refusal).toThrow(problem);
    if (text.trim() !== '') expect(refusal).not.toThrow(text.trim().slice(0, 12));
  });

  test('and all others are zeroes once they are erased', () => {
    const keys = parseSourceKeys(Buffer.from(`${raw.toString('hex')}\n${raw.toString('base64')}`), 'secretbox');
    keys.erase();
    expect(keys.keys).toEqual([Buffer.alloc(32), Buffer.alloc(32)]);
  });

  test('is read from its descriptor to the end, which is closed then', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'ownkey-key-'));
    writeFileSync(join(directory, 'key'), raw.toString('hex'));
    const fd = openSync(join(directory, 'key'), 'r');
    expect((await readSourceKeys(fd, 'secretbox')).keys).toEqual([raw]);
    expect(() => fstatSync(fd)).toThrow('EBADF');
    writeFileSync(join(directory, 'key'), 'A'.repeat(20_000));
    await expect(readSourceKeys(openSync(join(directory, 'key'), 'r'), 'fernet')).rejects.toThrow('far too long');
    const unreadable = openSync(join(directory, 'key'), 'w');
    await expect(readSourceKeys(unreadable, 'fernet')).rejects.toThrow(/cannot be read \(EBADF\)/);
    expect(() => closeSync(unreadable)).toThrow('EBADF');
    rmSync(directory, { recursive: true });
  });
});
