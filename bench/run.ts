/** `npm run bench -- <name> [--rounds N] [--seconds N] [--connections N] [--streams N] [--write]`. Linux, two cores or more. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { benchGateway } from './gateway.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '50' },
    streams: { type: 'string', default: '200' },
    rate: { type: 'string', default: '1000' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const usage = `npm run bench -- gateway [--rounds 5] [--seconds 4] [--connections 50] [--streams 200] [--rate 1000] [--write]

Measures CPU per request of the gateway beside nginx (left out where it is not installed) and a bare Node proxy.
--write puts the figures into docs/performance-gateway.md.`;

if (values.help || positionals[0] !== 'gateway') {
  console.log(usage);
  process.exit(values.help ? 0 : 2);
}
const report = await benchGateway({
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
  connections: Number(values.connections),
  streams: Number(values.streams),
  rate: Number(values.rate),
});
console.log(report);
if (values.write) {
  const file = fileURLToPath(new URL('../docs/performance-gateway.md', import.meta.url));
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(file, `# Gateway benchmark, ${date}\n\nMade by \`npm run bench -- gateway --write\`.\n\n${report}\n`);
}
