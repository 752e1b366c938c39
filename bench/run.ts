/** `npm run bench -- gateway|ledger [--rounds N] [--seconds N] [--connections N] [--streams N] [--write]`. Linux, two cores or more. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { benchGateway } from './gateway.ts';
import { benchLedger } from './ledger.ts';

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

npm run bench -- ledger [--seconds 4] [--write]

Measures what reserving and settling add to a call at 100, 1,000 and 3,000 calls a second.

--write puts the figures into docs/performance-gateway.md or docs/performance-ledger.md.`;

const BENCHES: Readonly<Record<string, () => Promise<string>>> = {
  gateway: () =>
    benchGateway({
      rounds: Number(values.rounds),
      seconds: Number(values.seconds),
      connections: Number(values.connections),
      streams: Number(values.streams),
      rate: Number(values.rate),
    }),
  ledger: () => benchLedger({ rates: [100, 1_000, 3_000], seconds: Number(values.seconds) }),
};
const name = positionals[0] ?? '';
const bench = BENCHES[name];
if (values.help || bench === undefined) {
  console.log(usage);
  process.exit(values.help ? 0 : 2);
}
const report = await bench();
console.log(report);
if (values.write) {
  const file = fileURLToPath(new URL(`../docs/performance-${name}.md`, import.meta.url));
  const date = new Date().toISOString().slice(0, 10);
  const title = `${name.charAt(0).toUpperCase()}${name.slice(1)} benchmark, ${date}`;
  writeFileSync(file, `# ${title}\n\nMade by \`npm run bench -- ${name} --write\`.\n\n${report}\n`);
}
