// `npm start`: installs what is missing, builds what changed, then becomes `ownkey dev` in this same process, so that a
// signal sent to it reaches the supervisor itself. Plain JavaScript without dependencies: it runs on a bare checkout.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureInstalled } from './install.mjs';
import { ROOT } from './process.mjs';

await ensureInstalled();
const { build } = await import('./build.mjs');
await build();

const program = join(ROOT, 'packages/cli/dist/main.js');
process.argv.splice(1, 1, program, 'dev');
await import(pathToFileURL(program).href);
