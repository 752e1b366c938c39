/**
 * Closed-loop load on keep-alive connections. argv: JSON {port, path, headers, body, connections, seconds}. First line out:
 * ready; second, when done: {requests, failed, bytes, chunks, p50_ms, p99_ms}, where chunks are stream events. An answer counts when it ends; a status other
 * than 200 counts as failed.
 */
import { connect, type Socket } from 'node:net';

interface Job {
  port: number;
  path: string;
  headers: Record<string, string>;
  body: string;
  connections: number;
  seconds: number;
}
const job: Job = JSON.parse(process.argv[2] ?? '{}');
const headers = Object.entries(job.headers).map(([name, value]) => `${name}: ${value}\r\n`);
const request = Buffer.from(
  `POST ${job.path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n${headers.join('')}content-length: ${Buffer.byteLength(job.body)}\r\n\r\n${job.body}`,
);
const latencies: number[] = [];
let failed = 0;
let bytes = 0;
let chunks = 0;
let until = Number.POSITIVE_INFINITY;
const sockets: Socket[] = [];

/** The first failure is shown: a benchmark of refusals measures nothing. */
function fail(answer: string): void {
  if (failed++ === 0) process.stderr.write(`first failed answer: ${answer.slice(0, 2000)}\n`);
}

function open(): void {
  const socket = connect(job.port, '127.0.0.1');
  socket.setNoDelay(true);
  sockets.push(socket);
  let pending = '';
  let expected = -1;
  let started = performance.now();
  const next = () => {
    if (performance.now() >= until) return socket.destroy();
    pending = '';
    expected = -1;
    started = performance.now();
    socket.write(request);
  };
  const done = () => {
    if (pending.startsWith('HTTP/1.1 200')) latencies.push(performance.now() - started);
    else fail(pending);
    next();
  };
  socket.on('connect', next);
  socket.on('error', () => failed++);
  socket.on('data', (data) => {
    bytes += data.length;
    for (let at = data.indexOf('data: '); at >= 0; at = data.indexOf('data: ', at + 6)) chunks++;
    if (expected === -1) {
      pending += data.toString('latin1');
      const at = pending.indexOf('\r\n\r\n') + 4;
      if (at < 4) return;
      const length = /content-length: *(\d+)/i.exec(pending.slice(0, at))?.[1];
      expected = length === undefined ? -2 : at + Number(length);
    } else
      pending =
        expected === -2
          ? pending.slice(0, 16) + pending.slice(-32) + data.toString('latin1')
          : pending + data.toString('latin1');
    if (expected >= 0 ? pending.length >= expected : pending.endsWith('0\r\n\r\n')) done();
  });
}

until = performance.now() + job.seconds * 1000;
for (let i = 0; i < job.connections; i++) open();
console.log('{}');
setTimeout(
  () => {
    for (const socket of sockets) socket.destroy();
    latencies.sort((a, b) => a - b);
    const at = (share: number) => Number((latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(2));
    console.log(
      JSON.stringify({ requests: latencies.length, failed, bytes, chunks, p50_ms: at(0.5), p99_ms: at(0.99) }),
    );
    process.exit(0);
  },
  job.seconds * 1000 + 300,
);
