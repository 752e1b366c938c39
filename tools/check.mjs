// `npm run check`: everything that needs no database, in under two minutes. The steps run one after another, all of them, and
// what a step says is shown only when it failed.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureInstalled } from './install.mjs';
import { ROOT, runScript, seconds } from './process.mjs';

const TSC = 'node_modules/typescript/bin/tsc';

const STATIC_STEPS = [
  ['formatting and lint (biome)', 'node_modules/@biomejs/biome/bin/biome', ['check', '--error-on-warnings', '.']],
  ['lint (oxlint)', 'node_modules/oxlint/bin/oxlint', ['--deny-warnings', '.']],
  ['import arrows, cycles, environment, provider names', 'tools/check-arrows.mjs', []],
  ['types', TSC, ['--noEmit', '-p', 'tsconfig.json']],
  ['types of the console', TSC, ['--noEmit', '-p', 'packages/console/tsconfig.json']],
  ['types of the secure field', TSC, ['--noEmit', '-p', 'packages/field/tsconfig.json']],
];

/** Runs the steps that read the code without running it. Returns the names of those that failed. */
export async function checkStatically() {
  const failed = [];
  for (const [name, script, words] of STATIC_STEPS) {
    const project = words.find((word) => word.startsWith('packages/'));
    if (project !== undefined && !existsSync(join(ROOT, project))) continue;
    if (!(await step(name, script, words))) failed.push(name);
  }
  return failed;
}

async function step(name, script, words) {
  const began = performance.now();
  const { code, output } = await runScript(script, words, { quiet: true });
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'}  ${name} (${seconds(began)})`);
  if (code !== 0) console.log(output);
  return code === 0;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await ensureInstalled();
  const failed = await checkStatically();
  const began = performance.now();
  const { code } = await runScript('node_modules/vitest/vitest.mjs', ['run', '--project', 'pure']);
  if (code !== 0) failed.push('pure tests');
  else console.log(`ok      pure tests (${seconds(began)})`);
  console.log(failed.length === 0 ? 'All checks passed.' : `Failed: ${failed.join('; ')}`);
  process.exit(failed.length === 0 ? 0 : 1);
}
