import type { Wire } from '@ownkey/contract/provider';
import { describe, expect, test } from 'vitest';
import { SUPPORT } from './support.ts';

const WIRES: Wire[] = ['openai-chat', 'anthropic-messages', 'openai-responses'];
const rows = WIRES.flatMap((wire) => Object.entries(SUPPORT[wire]).map(([name, field]) => ({ wire, name, field })));

describe('the table of what can be said across wires', () => {
  test.each(rows)('says of $wire "$name" what becomes of it in both other wires', ({ wire, field }) => {
    expect(Object.keys(field.to).sort()).toEqual(WIRES.filter((other) => other !== wire).sort());
  });

  test.each(rows)('gives a reason wherever $wire "$name" is not carried over', ({ field }) => {
    for (const rule of Object.values(field.to))
      if (rule.kind !== 'mapped') expect(rule.note).toMatch(/^[a-z].{5,}[^.]$/);
  });
});
