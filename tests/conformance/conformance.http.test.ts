import { readFileSync } from 'node:fs';
import { loadCatalogue } from '@ownkey/providers/catalogue';
import { beforeAll, describe, expect, test } from 'vitest';
import { conformancePage } from '../../tools/docs/conformance-page.ts';
import { SCENARIO_REFUSALS } from './expected-refusals.ts';
import { judgeScenarios } from './gate.ts';
import { WIRES } from './retell.ts';
import { CATALOGUE, type ScenarioRow, scenarioRows } from './scenario-table.ts';

/** What `npm run conformance` does, as a part of the suite. */
const pairs = [...loadCatalogue(CATALOGUE).entries.keys()].flatMap((id) => WIRES.map((caller) => ({ id, caller })));
let rows: ScenarioRow[] = [];
beforeAll(async () => {
  rows = await scenarioRows();
});

describe('every scenario of the sandbox', () => {
  test.each(pairs)('works at $id for callers of $caller, or is refused as expected', ({ id, caller }) => {
    const own = rows.filter((row) => row.provider.id === id && row.caller === caller);
    expect(judgeScenarios(own)).toEqual([]);
    expect(own.filter(({ verdict }) => verdict.kind === 'works').length).toBeGreaterThan(30);
  });

  test('every expected refusal is met', () => {
    const met = rows.filter(({ verdict }) => verdict.kind === 'refused').length;
    expect(met).toBe(SCENARIO_REFUSALS.reduce((sum, { providers }) => sum + providers.length, 0));
  });
});

test('docs/conformance.md is what the scenarios come to (else run `npm run conformance`)', () => {
  expect(readFileSync(new URL('../../docs/conformance.md', import.meta.url), 'utf8')).toBe(conformancePage(rows));
});

describe('the gate', () => {
  const row = (): ScenarioRow => {
    const [first] = rows;
    if (!first) throw new Error('There are no rows');
    return first;
  };

  test('stops at what fails', () => {
    const verdict = { kind: 'failed' as const, problems: ['usage: 1 instead of 2'] };
    expect(judgeScenarios([{ ...row(), verdict }])).toEqual([expect.stringContaining('usage: 1 instead of 2')]);
  });

  test('stops at a new refusal', () => {
    const verdict = { kind: 'refused' as const, param: 'tools', reason: 'no tools' };
    expect(judgeScenarios([{ ...row(), verdict }])).toEqual([expect.stringContaining('refuses tools')]);
  });

  test('stops at an expected refusal that is gone', () => {
    const refused = rows.find(({ verdict }) => verdict.kind === 'refused') ?? row();
    expect(judgeScenarios([{ ...refused, verdict: { kind: 'works' } }])).toEqual([
      expect.stringContaining('no longer refused'),
    ]);
  });
});
