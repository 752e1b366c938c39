import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formsOf, sweepBytes, sweepDirectory, sweepMemory } from './sweep.ts';

const canary = 'sk-proj-canary-0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOP';

describe('canary sweep (its own positive control)', () => {
  it.each(formsOf(canary).map(({ form }) => form))('finds a canary written as %s', (wanted) => {
    const form = formsOf(canary).find((candidate) => candidate.form === wanted);
    expect(
      sweepBytes(
        'log',
        Buffer.concat([Buffer.from('before '), form?.bytes ?? Buffer.alloc(0), Buffer.from(' after')]),
        [canary],
      ),
    ).toContainEqual({
      place: 'log',
      form: wanted,
      canary: 0,
    });
  });

  it.each([0, 1, 2])('finds a canary inside longer base64 text at alignment %d', (shift) => {
    const text = Buffer.from(`${'x'.repeat(shift)}${canary} and more`).toString('base64');
    expect(sweepBytes('log', text, [canary]).length).toBeGreaterThan(0);
  });

  it('finds nothing where there is nothing', () => {
    expect(sweepBytes('log', 'sk-proj-another-key-of-somebody-else-0123456789', [canary])).toEqual([]);
  });

  it('finds a canary in a file of a directory', () => {
    const directory = mkdtempSync(join(tmpdir(), 'sweep-'));
    writeFileSync(join(directory, 'wal'), `....${canary}....`);
    expect(sweepDirectory(directory, [canary]).hits.map((hit) => hit.place)).toContain('wal');
    rmSync(directory, { recursive: true });
  });

  it('finds a canary that this process holds in memory', () => {
    expect(sweepMemory(process.pid, 'self', [canary]).hits.length).toBeGreaterThan(0);
  });
});
