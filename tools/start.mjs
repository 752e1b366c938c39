// `npm start`: installs what is missing, builds what changed, then becomes `ownkey dev` in this same process, so that a
// signal sent to it reaches the supervisor itself. Plain JavaScript without dependencies: it runs on a bare checkout.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureInstalled } from './install.mjs';
import { ROOT } from './process.mjs';

stopWithNpm();
await ensureInstalled();
const { build } = await import('./build.mjs');
await build();

const program = join(ROOT, 'packages/cli/dist/main.js');
process.argv.splice(1, 1, program, 'dev');
await import(pathToFileURL(program).href);

/**
 * npm hands SIGINT and SIGTERM on to this process, but when npm itself is killed (or its terminal closes) it cannot: the end
 * of the parent then counts as SIGTERM. Only under npm; whoever starts this file otherwise may well end before it.
 */
function stopWithNpm() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGTERM');
  }, 500);
  watch.unref();
}
