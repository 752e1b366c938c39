// Builds what changed: the compiler keeps its own account (tsc -b), the bundles are made when one of their inputs changed.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, runScript, seconds } from './process.mjs';

/** What browsers load, each with what it is made of besides itself. */
const BUNDLES = [
  { name: 'console', inputs: ['packages/contract/src', 'packages/sdk/src', 'packages/vault/src'] },
  { name: 'field', inputs: ['packages/contract/src', 'packages/vault/src'] },
];
const STAMPS = join(ROOT, 'node_modules', '.cache', 'ownkey');

/** Compiles all packages and bundles what browsers load. Ends the process with the compiler's messages when something is wrong. */
export async function build() {
  const began = performance.now();
  const packages = compiledPackages();
  const { code } = await runScript('node_modules/typescript/bin/tsc', [
    '-b',
    ...packages.map((name) => `packages/${name}`),
  ]);
  if (code !== 0) fail('The compiler found mistakes; they are listed above.', code);
  for (const bundle of BUNDLES) await buildBundle(bundle);
  console.log(`Built in ${seconds(began)}.`);
}

/** Packages that are plain TypeScript with at least one source file. */
export function compiledPackages() {
  return readdirSync(join(ROOT, 'packages')).filter((name) => {
    const folder = join(ROOT, 'packages', name);
    if (BUNDLES.some((bundle) => bundle.name === name) || !existsSync(join(folder, 'tsconfig.json'))) return false;
    return listFiles(join(folder, 'src')).some((file) => /\.tsx?$/.test(file));
  });
}

async function buildBundle({ name, inputs }) {
  const folder = `packages/${name}`;
  if (!existsSync(join(ROOT, folder, 'index.html'))) {
    console.log(`The ${name} is not in this checkout yet: skipped.`);
    return;
  }
  const stamp = join(STAMPS, `${name}.sha256`);
  const hash = hashOf([folder, ...inputs]);
  const unchanged = existsSync(stamp) && readFileSync(stamp, 'utf8') === hash;
  if (unchanged && existsSync(join(ROOT, folder, 'dist', 'index.html'))) return;
  rmSync(stamp, { force: true });
  console.log(`Bundling the ${name}…`);
  const script = [`${folder}/node_modules/vite/bin/vite.js`, 'node_modules/vite/bin/vite.js'].find((path) =>
    existsSync(join(ROOT, path)),
  );
  const { code, output } = await runScript(script, ['build'], {
    cwd: join(ROOT, folder),
    quiet: true,
    env: { ...process.env, NODE_ENV: 'production' },
  });
  if (code !== 0) fail(`${output}\nThe ${name} could not be bundled.`, code);
  mkdirSync(STAMPS, { recursive: true });
  writeFileSync(stamp, hash);
}

/** One hash over names and contents of all files in `folders` and the lockfile. */
function hashOf(folders) {
  const hash = createHash('sha256').update(readFileSync(join(ROOT, 'package-lock.json')));
  for (const folder of folders) {
    for (const file of listFiles(join(ROOT, folder))) {
      const content = readFileSync(file);
      hash.update(`${file.slice(ROOT.length)}\0${content.length}\0`).update(content);
    }
  }
  return hash.digest('hex');
}

/** Every file below `folder`, sorted, without build results and installed modules. */
export function listFiles(folder) {
  if (!existsSync(folder)) return [];
  const found = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === 'dist' || entry.name === 'node_modules' || entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...listFiles(path));
    else if (entry.isFile()) found.push(path);
  }
  return found.sort();
}

function fail(message, code) {
  console.error(message);
  process.exit(code);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { ensureInstalled } = await import('./install.mjs');
  await ensureInstalled();
  await build();
}
