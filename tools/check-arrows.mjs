// Checks what the compiler does not: which package may import which, no cycles between files, who reads the environment, and
// that no provider is named in shared code. Prints every violation; exit code 1 when there is one.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { listFiles } from './build.mjs';
import { ROOT } from './process.mjs';

/** What opens keys or holds the master key: for the worker alone. */
const OPENING = /^(?:open|kek|kek-file|envelope|aead|import)/;

/**
 * Package → packages it may import, each with the modules of it that are allowed (null = all).
 * The sandbox stands for providers, so it may know the wire and the child control, and nothing of keys or policy.
 */
const ARROWS = {
  contract: {},
  guard: { contract: null },
  providers: { contract: null },
  policy: { contract: null },
  vault: { contract: null },
  sdk: { contract: null, vault: (name) => !OPENING.test(name) },
  console: { contract: null, sdk: null, vault: (name) => name === 'context' || name === 'mint' },
  field: { contract: null, vault: (name) => ['seal', 'shape', 'context', 'mint'].includes(name) },
  // The process of `ownkey import`: of the worker's modules those that read its settings and write to its database.
  importer: {
    contract: null,
    guard: null,
    providers: (name) => name.startsWith('catalogue'),
    vault: null,
    worker: (name) =>
      ['config', 'database', 'access/load', 'keys/transaction', 'kek/check', 'kek/keeper', 'kek/load-keks'].includes(
        name,
      ),
  },
  worker: { contract: null, guard: null, policy: null, providers: null, vault: null },
  server: {
    contract: null,
    guard: null,
    policy: null,
    providers: (name) => name.startsWith('catalogue'),
    vault: (name) => !OPENING.test(name),
  },
  sandbox: { contract: null, guard: (name) => name === 'child-control' },
  cli: { contract: null },
};

/** Run-time packages from npm that the isolated process may load, with where they may be imported. */
const WORKER_SIDE = ['contract', 'guard', 'policy', 'providers', 'vault', 'worker'];
const WORKER_NPM = new Set(['pg', 'undici', '@hpke/core', 'ipaddr.js']);
/** The same for the process of `ownkey import`, which loads the worker's packages too. */
const IMPORTER_NPM = new Set(['@noble/ciphers']);

/** Reads one file's imports: `{ specifier, typeOnly }`. */
export function readImports(text) {
  const found = [];
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(?<![:\w'"`])\/\/.*$/gm, '');
  const statement = /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^'"`;()]*?\sfrom\s+)?['"]([^'"]+)['"]/g;
  for (const [, typeOnly, specifier] of code.matchAll(statement))
    found.push({ specifier, typeOnly: typeOnly !== undefined });
  for (const [, specifier] of code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g))
    found.push({ specifier, typeOnly: false });
  return found;
}

/** String literals whose whole content is one of `ids`. */
export function findProviderLiterals(text, ids) {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(?<![:\w'"`])\/\/.*$/gm, '');
  return [...code.matchAll(/(['"`])([a-z]+)\1/g)].map(([, , word]) => word).filter((word) => ids.has(word));
}

function main() {
  const violations = [];
  const files = sourceFiles();
  const graph = new Map();
  const ids = providerIds();
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    const imports = readImports(text);
    const say = (what) => violations.push(`${relative(ROOT, file)}: ${what}`);
    for (const { specifier, typeOnly } of imports) checkArrow(file, specifier, typeOnly, say);
    checkEnvironment(file, text, say);
    if (!isQuirk(file)) {
      for (const word of findProviderLiterals(text, ids))
        say(`names the provider '${word}'; put a flag in its catalogue entry, or a quirk`);
    }
    graph.set(
      file,
      imports.filter(({ typeOnly }) => !typeOnly).flatMap(({ specifier }) => resolveOwn(file, specifier)),
    );
  }
  for (const cycle of findCycles(graph))
    violations.push(`cycle: ${cycle.map((file) => relative(ROOT, file)).join(' → ')}`);
  violations.push(...reachOpening(graph));
  for (const violation of violations) console.error(violation);
  if (violations.length > 0) process.exit(1);
  console.log(`${files.length} files keep the arrows.`);
}

function sourceFiles() {
  return readdirSync(join(ROOT, 'packages'))
    .flatMap((name) => listFiles(join(ROOT, 'packages', name, 'src')))
    .filter((file) => /\.tsx?$/.test(file) && !/\.test\.tsx?$/.test(file));
}

function packageOf(file) {
  return relative(join(ROOT, 'packages'), file).split('/')[0];
}

/** Says what is wrong with one import of `file` (absolute path); nothing when it keeps the arrows. */
export function checkArrow(file, specifier, typeOnly, say) {
  const from = packageOf(file);
  if (specifier.startsWith('.')) {
    if (packageOf(resolve(dirname(file), specifier)) !== from)
      say(`reaches into another package by path: ${specifier}`);
    return;
  }
  const own = /^@ownkey\/([a-z]+)(?:\/(.+))?$/.exec(specifier);
  if (own !== null) {
    const [, to, module] = own;
    const allowed = ARROWS[from]?.[to];
    if (to === from) say(`imports its own package by name: ${specifier}`);
    else if (allowed === undefined) say(`${from} may not import ${to} (${specifier})`);
    else if (module === undefined) say(`imports a whole package: ${specifier}`);
    else if (allowed !== null && !allowed(module)) say(`${from} may not import ${specifier}`);
    return;
  }
  if (specifier.startsWith('node:')) {
    if (from === 'contract') say(`contract has no I/O: ${specifier}`);
    return;
  }
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  if (from === 'contract') {
    const inApi = relative(join(ROOT, 'packages/contract/src'), file).startsWith('api/');
    if (name !== 'zod' || !inApi) say(`contract may import nothing but zod, and that in api/ alone: ${specifier}`);
  } else if (WORKER_SIDE.includes(from) && !typeOnly && !WORKER_NPM.has(name)) {
    say(`the isolated process loads ${[...WORKER_NPM].join(', ')} and nothing else: ${specifier}`);
  } else if (from === 'importer' && !typeOnly && !IMPORTER_NPM.has(name)) {
    say(`the import loads ${[...IMPORTER_NPM].join(', ')} and what the worker has: ${specifier}`);
  }
}

function checkEnvironment(file, text, say) {
  const allowed = basename(file) === 'config.ts' || packageOf(file) === 'cli';
  if (!allowed && /\bprocess\s*\.\s*env\b/.test(text)) say('reads process.env; only config.ts does');
}

function isQuirk(file) {
  return /packages\/providers\/src\/quirks\/[a-z]+\.ts$/.test(file);
}

function providerIds() {
  const folder = join(ROOT, 'catalogue', 'providers');
  return new Set(
    readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => name.slice(0, -'.json'.length)),
  );
}

/** The source files of ours that a specifier means: none for npm and Node. */
function resolveOwn(file, specifier) {
  const own = /^@ownkey\/([a-z]+)\/(.+)$/.exec(specifier);
  const base = own === null ? resolve(dirname(file), specifier) : join(ROOT, 'packages', own[1], 'src', own[2]);
  if (own === null && !specifier.startsWith('.')) return [];
  return [base, `${base}.ts`, `${base}.tsx`].filter((path) => /\.tsx?$/.test(path) && existsSync(path)).slice(0, 1);
}

/** Each cycle once, by depth-first search. */
export function findCycles(graph) {
  const cycles = [];
  const done = new Set();
  const path = [];
  const visit = (file) => {
    if (done.has(file)) return;
    const at = path.indexOf(file);
    if (at >= 0) {
      cycles.push([...path.slice(at), file]);
      return;
    }
    path.push(file);
    for (const next of graph.get(file) ?? []) visit(next);
    path.pop();
    done.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return cycles;
}

/** No chain of imports leads from the server, console or SDK to what opens keys. */
function reachOpening(graph) {
  const found = [];
  for (const start of graph.keys()) {
    if (!['server', 'console', 'field', 'sdk', 'sandbox', 'cli'].includes(packageOf(start))) continue;
    const seen = new Set([start]);
    for (const file of seen) for (const next of graph.get(file) ?? []) seen.add(next);
    for (const file of seen) {
      if (packageOf(file) === 'vault' && OPENING.test(basename(file)) && packageOf(start) !== 'vault') {
        found.push(`${relative(ROOT, start)}: reaches ${relative(ROOT, file)}, which is for the worker alone`);
      }
    }
  }
  return found;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) main();
