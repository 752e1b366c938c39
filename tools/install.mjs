// Installs what is missing: nothing when node_modules matches package-lock.json.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run, seconds } from './process.mjs';

const NODE_MIN = [20, 20];

/** Ends the process with a plain sentence when this Node is too old. */
export function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])) return;
  console.error(`Ownkey needs Node ${NODE_MIN.join('.')} or newer; this is ${process.versions.node}.`);
  process.exit(1);
}

/** Runs `npm ci`, development dependencies included, when something of the lockfile is not installed as it says. */
export async function ensureInstalled() {
  requireNode();
  const difference = findDifference();
  if (difference === null) return;
  console.log(`Installing the packages of package-lock.json (${difference})…`);
  const began = performance.now();
  const env = { ...process.env };
  // The build and the tests need the development dependencies, whatever the surrounding environment says.
  for (const name of [
    'NODE_ENV',
    'npm_config_omit',
    'npm_config_production',
    'npm_config_only',
    'NPM_CONFIG_OMIT',
    'NPM_CONFIG_PRODUCTION',
  ]) {
    delete env[name];
  }
  const npm = (words) => {
    const script = process.env.npm_execpath;
    return script?.endsWith('.js') ? run(process.execPath, [script, ...words], { env }) : run('npm', words, { env });
  };
  const words = ['--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  let { code } = await npm(['ci', ...words]);
  if (code !== 0) {
    // `npm ci` insists on knowing the packages of every platform; where a registry lacks some, an install of the locked
    // versions still works. What came out is compared with the lockfile below.
    console.log('`npm ci` failed (see above); trying `npm install` with the locked versions…');
    ({ code } = await npm(['install', '--no-save', ...words]));
  }
  const remaining = code === 0 ? findDifference() : null;
  if (code !== 0 || remaining !== null) {
    console.error(
      remaining === null
        ? 'npm failed; its own message is above.'
        : `node_modules still differs from package-lock.json: ${remaining}.`,
    );
    process.exit(code || 1);
  }
  console.log(`Installed in ${seconds(began)}.`);
}

/**
 * The first way in which node_modules differs from the lockfile, in words; null when it matches. npm writes what it has
 * installed to node_modules/.package-lock.json as its last act, so an interrupted install differs too.
 */
export function findDifference() {
  const installedFile = join(ROOT, 'node_modules', '.package-lock.json');
  if (!existsSync(installedFile)) return 'nothing is installed yet';
  const wanted = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages;
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.includes('node_modules/') || entry.link) continue;
    const found = installed[path];
    // Optional packages of other platforms are rightly absent.
    if (found === undefined && (entry.optional || entry.devOptional)) continue;
    if (found?.version !== entry.version)
      return `${path.split('node_modules/').pop()} is ${found?.version ?? 'missing'}, wanted ${entry.version}`;
    if (!existsSync(join(ROOT, path))) return `${path.split('node_modules/').pop()} was removed`;
  }
  return null;
}
