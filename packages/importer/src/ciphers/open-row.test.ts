import type { ImportOrder } from '@ownkey/contract/import-order';
import { describe, expect, test } from 'vitest';
import { ImportUsageError } from '../faults.ts';
import { createOpenRow } from './open-row.ts';
import { parseSourceKeys } from './source-keys.ts';

const keys = parseSourceKeys(Buffer.from('00'.repeat(32)), 'secretbox');
const ORDER: ImportOrder = {
  from: 'aes-256-gcm',
  format: 'csv',
  encoding: 'base64',
  name: null,
  actor: 'test',
  dryRun: false,
  layout: null,
  nonceBytes: 12,
  aad: null,
  ttlSeconds: null,
};

describe('options that do not fit the cipher are refused before any row is read:', () => {
  test.each<[string, Partial<ImportOrder>, RegExp]>([
    ['a lifetime of anything but Fernet', { ttlSeconds: 5 }, /--ttl/],
    ['associated data of Fernet', { from: 'fernet', aad: '{company}' }, /--aad/],
    ['associated data of secretbox', { from: 'secretbox', aad: '{company}' }, /--aad/],
    ['a layout of Fernet', { from: 'fernet', layout: 'nonce-ciphertext' }, /--layout/],
    ['a tag of secretbox', { from: 'secretbox', layout: 'nonce-tag-ciphertext' }, /do not name it/],
    ['a layout without the ciphertext', { layout: 'nonce-tag' }, /name ciphertext/],
    ['a layout that repeats a part', { layout: 'nonce-ciphertext-nonce' }, /nonce-ciphertext-tag/],
    ['an unknown part', { layout: 'iv-ciphertext-tag' }, /iv-ciphertext-tag/],
    ['a template of no column', { aad: '{tenant}' }, /\{tenant\} is none of the columns/],
    ['a nonce of nothing', { nonceBytes: 0 }, /--nonce-bytes/],
  ])('%s', (_, order, problem) => {
    const make = () => createOpenRow({ ...ORDER, ...order }, keys, () => 0);
    expect(make).toThrow(ImportUsageError);
    expect(make).toThrow(problem);
  });
});
