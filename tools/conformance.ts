/**
 * `npm run conformance [-- --recordings DIR]`: replays every scenario of the sandbox at every provider of the catalogue through
 * every caller's API, writes `docs/conformance.md`, and replays a folder of recorded exchanges besides. Exit code 1 when something
 * does not work, or is refused that was not before.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadCatalogue } from '@ownkey/providers/catalogue';
import { judgeRecorded, judgeScenarios } from '../tests/conformance/gate.ts';
import { checkRecorded, recordedCases } from '../tests/conformance/recorded-case.ts';
import { readRecordings } from '../tests/conformance/recording.ts';
import { CATALOGUE, scenarioRows } from '../tests/conformance/scenario-table.ts';
import { conformancePage } from './docs/conformance-page.ts';

const PAGE = fileURLToPath(new URL('../docs/conformance.md', import.meta.url));

async function replayScenarios(): Promise<string[]> {
  const rows = await scenarioRows();
  const count = (kind: string): number => rows.filter(({ verdict }) => verdict.kind === kind).length;
  say(
    `Scenarios: ${count('works')} work, ${count('refused')} refused by name, ${count('failed')} fail; ` +
      `${count('not-offered')} not offered, ${count('not-in-wire')} not in the caller's API.`,
  );
  const page = conformancePage(rows);
  if (existsSync(PAGE) && readFileSync(PAGE, 'utf8') === page) say('docs/conformance.md is current.');
  else {
    writeFileSync(PAGE, page);
    say('Wrote docs/conformance.md.');
  }
  return judgeScenarios(rows);
}

function replayRecordings(folder: string): string[] {
  const recordings = readRecordings(folder);
  const cases = recordedCases(loadCatalogue(CATALOGUE), recordings);
  const verdicts = cases.map((testCase) => ({ testCase, verdict: checkRecorded(testCase) }));
  for (const { testCase, verdict } of verdicts)
    for (const { reason } of verdict.refusals) say(`Refused: ${testCase.name}: ${reason}`);
  const spoken = new Set(cases.map(({ recording }) => recording.file));
  for (const { file, endpoint } of recordings)
    if (!spoken.has(file)) say(`Not applicable: ${file} (no dialect translates ${endpoint})`);
  const refused = verdicts.filter(({ verdict }) => verdict.refusals.length > 0);
  say(
    `Recordings: ${recordings.length}, of which ${spoken.size} are spoken, each for three callers: ${cases.length} replays, ` +
      `${refused.length} of requests that hold something refused by name.`,
  );
  return judgeRecorded(verdicts);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const { values } = parseArgs({ options: { recordings: { type: 'string' } } });
const problems = await replayScenarios();
if (values.recordings !== undefined) problems.push(...replayRecordings(values.recordings));
for (const problem of problems) say(`FAILED  ${problem}`);
say(problems.length === 0 ? 'Conformance holds.' : `${problems.length} problems.`);
process.exitCode = problems.length === 0 ? 0 : 1;
