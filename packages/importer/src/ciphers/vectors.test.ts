/**
 * Rows made by Python's cryptography and PyNaCl: those of `../vectors/python.json`, and where OWNKEY_PYTHON names an interpreter with
 * the packages of tests/journeys/python-clients.txt, new ones made now.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ImportOrder, ImportSource } from '@ownkey/contract/import-order';
import { describe, expect, it } from 'vitest';
import { RowFault } from '../faults.ts';
import { createOpenRow } from './open-row.ts';
import { parseSourceKeys } from './source-keys.ts';

interface Vector {
  name: string;
  from: ImportSource;
  keys: string[];
  fields: Record<string, string>;
  order: Partial<ImportOrder>;
  expect: string;
  clear_sha256?: string;
}

interface Vectors {
  made_with: Record<string, string>;
  cases: Vector[];
}

const here = (name: string): string => fileURLToPath(new URL(`../vectors/${name}`, import.meta.url));
const committed: Vectors = JSON.parse(readFileSync(here('python.json'), 'utf8'));
const python = process.env.OWNKEY_PYTHON;

const ORDER = {
  format: 'jsonl',
  encoding: 'base64',
  name: null,
  actor: 'test',
  dryRun: false,
  layout: null,
  nonceBytes: 12,
  aad: null,
  ttlSeconds: null,
} as const;

function outcomeOf(vector: Vector): string {
  const keys = parseSourceKeys(Buffer.from(vector.keys.join('\n')), vector.from);
  const open = createOpenRow({ ...ORDER, from: vector.from, ...vector.order }, keys, () => 1_800_000_000);
  try {
    return `opened ${createHash('sha256')
      .update(open(new Map(Object.entries(vector.fields))))
      .digest('hex')}`;
  } catch (error) {
    if (error instanceof RowFault) return error.code;
    throw error;
  }
}

const due = (vector: Vector): string => (vector.expect === 'opened' ? `opened ${vector.clear_sha256}` : vector.expect);

describe('rows that Python made, as they are kept here', () => {
  it('say which versions made them, and are of every kind', () => {
    expect(committed.made_with).toEqual({
      cryptography: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      PyNaCl: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    });
    expect(committed.cases.length).toBeGreaterThan(50);
    expect([...new Set(committed.cases.map(({ from }) => from))].sort()).toEqual([
      'aes-256-gcm',
      'fernet',
      'secretbox',
    ]);
  });

  it.each(committed.cases.map((vector): [string, Vector] => [vector.name, vector]))(
    '%s has the due outcome',
    (_, vector) => {
      expect(outcomeOf(vector)).toBe(due(vector));
    },
  );
});

if (python) {
  const made: Vectors = JSON.parse(execFileSync(python, [here('write-vectors.py')], { encoding: 'utf8' }));
  describe('rows that Python makes now', () => {
    it.each(made.cases.map((vector): [string, Vector] => [vector.name, vector]))(
      '%s has the due outcome',
      (_, vector) => {
        expect(outcomeOf(vector)).toBe(due(vector));
      },
    );
  });
}
