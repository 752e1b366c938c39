#!/usr/bin/env node
// The command itself is compiled. This file is not, so that a checkout that was not built yet says what to do.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const program = new URL('../dist/main.js', import.meta.url);
if (existsSync(fileURLToPath(program))) {
  await import(program.href);
} else {
  console.error('Ownkey is not built yet. Run `npm start` once (or `npm run build`), then try again.');
  process.exit(1);
}
