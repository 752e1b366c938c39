/**
 * `npm run bench -- gateway`: CPU of the gateway process per request, beside nginx as a plain proxy and the least a Node proxy
 * can do. Each candidate is pinned to core 0, everything else to core 1; rounds are interleaved; medians and best rounds shown.
 */

import { startNginx } from './nginx.ts';
import { startOwnkey } from './ownkey.ts';
import { describeMachine, startScript } from './process.ts';
import { type Candidate, type Case, runRounds, table } from './rounds.ts';

const GATEWAY_CORE = 0;
const OTHER_CORE = 1;

export async function benchGateway(options: Options): Promise<string> {
  const stops: (() => Promise<void>)[] = [];
  try {
    return await compare(options, stops);
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
}

interface Options {
  rounds: number;
  seconds: number;
  connections: number;
  streams: number;
  rate: number;
}

async function compare(options: Options, stops: (() => Promise<void>)[]): Promise<string> {
  const started = async <T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
    const one = await starting;
    stops.push(() => one.stop());
    return one;
  };
  const upstream = await started(startScript('./upstream.ts', ['40', '50'], OTHER_CORE));
  const upstreamPort = Number(upstream.ready.port);
  const bare = await started(startScript('./bare-proxy.ts', [String(upstreamPort)], GATEWAY_CORE));
  const nginx = await startNginx(upstreamPort, GATEWAY_CORE);
  if (nginx) stops.push(() => nginx.stop());
  const ownkey = await started(startOwnkey(upstreamPort, GATEWAY_CORE, OTHER_CORE));
  const candidates: Candidate[] = [
    ...(nginx
      ? [
          {
            name: `nginx (${nginx.version})`,
            port: nginx.port,
            pid: nginx.pid,
            path: '/v1/chat/completions',
            headers: {},
            model: 'bench',
          },
        ]
      : []),
    {
      name: 'bare Node proxy',
      port: Number(bare.ready.port),
      pid: bare.pid,
      path: '/v1/chat/completions',
      headers: {},
      model: 'bench',
    },
    {
      name: 'Ownkey, all duties',
      port: ownkey.port,
      pid: ownkey.pid,
      path: '/v1/chat/completions',
      headers: ownkey.headers,
      model: ownkey.model,
    },
  ];
  const text = 'word '.repeat(180);
  const body = (stream: boolean) => (model: string) =>
    JSON.stringify({ model, ...(stream ? { stream: true } : {}), messages: [{ role: 'user', content: text }] });
  const cases: Case[] = [
    {
      name: '1 KB, not streaming',
      unit: 'request',
      body: body(false),
      connections: options.connections,
      seconds: options.seconds,
    },
    {
      name: `1 KB at ${options.rate} requests a second, not streaming`,
      unit: 'request',
      body: body(false),
      connections: 200,
      seconds: options.seconds,
      rate: options.rate,
    },
    {
      name: `${options.streams} streams, 275-byte deltas every 50 ms`,
      unit: 'chunk',
      body: body(true),
      connections: options.streams,
      seconds: Math.max(options.seconds, 5),
    },
  ];
  const results = await runRounds(candidates, cases, options.rounds, OTHER_CORE);
  const rows = await ownkey.ledgerRows();
  const ledger = `Ledger: ${rows.settled} rows settled, ${rows.open} open.`;
  return [`Machine: ${describeMachine()}`, '', table(results), '', ledger].join('\n');
}
