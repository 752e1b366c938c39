// `npm test`: everything. Installs and builds what is missing, reads the code, then runs the whole suite, with databases and
// whole installations. Words after `npm test --` go to the test runner. The last line counts tests: `N passed, N failed`.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureInstalled } from './install.mjs';
import { runScript } from './process.mjs';

await ensureInstalled();
const { build } = await import('./build.mjs');
await build();
const { checkStatically } = await import('./check.mjs');
const failedChecks = await checkStatically();

const folder = mkdtempSync(join(tmpdir(), 'ownkey-test-report-'));
const report = join(folder, 'report.json');
const { code } = await runScript('node_modules/vitest/vitest.mjs', [
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...process.argv.slice(2),
]);
const counted = countTests(report);
rmSync(folder, { recursive: true, force: true });

for (const name of failedChecks) console.log(`Failed check: ${name}`);
// A suite that broke before its tests ran counts as a failure, or the line would lie.
const failed = counted.failed + (code !== 0 && counted.failed === 0 ? 1 : 0) + failedChecks.length;
console.log(`${counted.passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

function countTests(file) {
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(file, 'utf8'));
    return { passed: numPassedTests, failed: numFailedTests };
  } catch {
    return { passed: 0, failed: 0 };
  }
}
