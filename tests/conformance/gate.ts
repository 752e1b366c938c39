import { RECORDED_REFUSALS, SCENARIO_REFUSALS } from './expected-refusals.ts';
import type { RecordedCase, RecordedVerdict } from './recorded-case.ts';
import type { ScenarioRow } from './scenario-table.ts';

/** One line each for what does not work, for refusals that are new, and for expected ones that are gone. */
export function judgeScenarios(rows: readonly ScenarioRow[]): string[] {
  const lines: string[] = [];
  for (const { provider, caller, feature, verdict } of rows) {
    const name = `${provider.id} for ${caller}: ${feature.id}`;
    if (verdict.kind === 'failed') lines.push(...verdict.problems.map((problem) => `${name}: ${problem}`));
    const expected = SCENARIO_REFUSALS.find(
      (refusal) =>
        refusal.feature === feature.id && refusal.caller === caller && refusal.providers.includes(provider.id),
    );
    const param = verdict.kind === 'refused' ? verdict.param : undefined;
    if (param !== expected?.param) lines.push(refusalLine(name, param, expected?.param));
  }
  return lines;
}

/** The same for recordings; what the table says of recordings that are not in the folder is not looked at. */
export function judgeRecorded(verdicts: readonly { testCase: RecordedCase; verdict: RecordedVerdict }[]): string[] {
  return verdicts.flatMap(({ testCase, verdict }) => {
    const { name, recording, caller } = testCase;
    const lines = verdict.problems.map((problem) => `${name}: ${problem}`);
    const refused = verdict.refusals.map(({ param }) => param).join(', ') || undefined;
    const expected = RECORDED_REFUSALS[recording.file]?.[caller];
    return refused === expected ? lines : [...lines, refusalLine(name, refused, expected)];
  });
}

function refusalLine(name: string, param: string | undefined, expected: string | undefined): string {
  if (param === undefined) return `${name}: ${expected} is no longer refused; take it out of the expected refusals`;
  const instead = expected === undefined ? '' : ` (but ${expected})`;
  return `${name}: refuses ${param}, which is not expected${instead}: carry it over, or add it to expected-refusals.ts`;
}
