/**
 * Load on keep-alive connections. argv: JSON {port, path, headers, body, connections, seconds, rate?}. Without a rate the loop is
 * closed: each connection sends its next request when its answer ended. With one, requests are due at fixed times whatever the
 * answers do, and latency counts from when they were due. First line out: ready; second, when done: {requests, failed, bytes,
 * chunks, p50_ms, p99_ms}, where chunks are stream events. A status other than 200 counts as failed.
 */
import { connect, type Socket } from 'node:net';

interface Job {
  port: number;
  path: string;
  headers: Record<string, string>;
  body: string;
  connections: number;
  seconds: number;
  rate?: number;
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
/** With a rate: connections that wait for work, and due times that wait for a connection. */
const idle: ((dueAt: number) => void)[] = [];
const due: number[] = [];

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
  const send = (dueAt: number) => {
    pending = '';
    expected = -1;
    started = dueAt;
    socket.write(request);
  };
  const next = () => {
    if (performance.now() >= until) return void socket.destroy();
    if (job.rate === undefined) return send(performance.now());
    const waiting = due.shift();
    if (waiting === undefined) idle.push(send);
    else send(waiting);
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
if (job.rate !== undefined) {
  const startedAt = performance.now();
  const gapMs = 1000 / job.rate;
  let count = 0;
  const timer = setInterval(() => {
    for (; startedAt + count * gapMs <= performance.now(); count++) {
      const dueAt = startedAt + count * gapMs;
      if (dueAt >= until) return clearInterval(timer);
      const send = idle.pop();
      if (send) send(dueAt);
      else due.push(dueAt);
    }
  }, 1);
}
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
