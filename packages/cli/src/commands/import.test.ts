import { describe, expect, test } from 'vitest';
import { readWords, UsageError } from './command.ts';
import { importKeys, readOrder } from './import.ts';

const order = (...words: string[]) => readOrder(readWords(importKeys, words));

describe('the command line of an import', () => {
  test('becomes the order its process reads, with defaults', () => {
    expect(order('--from', 'fernet', '--key-fd', '3', 'keys.csv')).toEqual({
      from: 'fernet',
      format: 'csv',
      encoding: 'base64',
      name: null,
      actor: expect.stringMatching(/^cli:./),
      dryRun: false,
      layout: null,
      nonceBytes: 12,
      aad: null,
      ttlSeconds: null,
    });
    const words =
      '--from aes-256-gcm --dry-run --name old --aad {company}|x --nonce-bytes 16 --actor ana --encoding hex';
    expect(order(...words.split(' '), '--layout', 'nonce:tag:ciphertext', 'x.ndjson')).toMatchObject({
      format: 'jsonl',
      dryRun: true,
      name: 'old',
      aad: '{company}|x',
      nonceBytes: 16,
      actor: 'ana',
      encoding: 'hex',
      layout: 'nonce:tag:ciphertext',
    });
  });

  test.each([
    ['no file', ['--from', 'fernet'], /Name one file/],
    ['two files', ['--from', 'fernet', 'a.csv', 'b.csv'], /Name one file/],
    ['no source', ['a.csv'], /--from: one of fernet, secretbox, aes-256-gcm/],
    ['another source', ['--from', 'rot13', 'a.csv'], /--from/],
    ['a file whose form is not clear', ['--from', 'fernet', 'a.txt'], /--format: one of csv, jsonl/],
    ['a pipe whose form is not said', ['--from', 'fernet', '-'], /--format/],
    ['a number that is none', ['--from', 'fernet', '--ttl', '1h', 'a.csv'], /--ttl: a whole number/],
    ['a source key as an argument', ['--from', 'fernet', '--key', 'x', 'a.csv'], /--key/],
  ])('with %s is refused', (_, words, problem) => {
    expect(() => order(...words)).toThrow(UsageError);
    expect(() => order(...words)).toThrow(problem);
  });
});
