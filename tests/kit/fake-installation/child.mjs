// Stands for a process of ours in supervisor tests: it keeps to the control channel of the real ones and nothing else. It
// answers every request with what it knows of itself, and writes to its output when it is told to stop and when it is done.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { onStop, reportReady, takeListener } from '../../guard/dist/child-control.js';

const STOP_MS = 120;
const kind = process.argv[1].split('/').at(-3);

if (kind === 'server' && process.env.OWNKEY_CONSOLE_URL?.endsWith('/fail-at-start')) {
  console.error('the fake server was told to fail');
  process.exit(3);
}

function canRead(file) {
  try {
    readFileSync(file);
    return true;
  } catch (error) {
    return error.code;
  }
}

const server = http.createServer((request, response) => {
  if (request.url === '/_keys') {
    response.end(JSON.stringify({ providers: { simulated: { model: 'm-1', keys: { valid: 'sk-valid' } } } }));
    return;
  }
  const file = new URL(request.url, 'http://x').searchParams.get('read');
  response.setHeader('connection', 'close');
  response.end(
    JSON.stringify({ kind, pid: process.pid, environment: process.env, read: file === null ? null : canRead(file) }),
  );
});

onStop(async () => {
  console.log(JSON.stringify({ kind, stopping: Date.now() }));
  await new Promise((resolve) => setTimeout(resolve, STOP_MS));
  console.log(JSON.stringify({ kind, stopped: Date.now() }));
});

const ports = { server: 'OWNKEY_PORT', worker: 'OWNKEY_GATEWAY_PORT', sandbox: 'OWNKEY_SANDBOX_PORT' };
const listener = await takeListener();
const ready = () => {
  const { port } = server.address();
  reportReady({ port });
};
if (listener === null) server.listen(Number(process.env[ports[kind]]), process.env.OWNKEY_HOST, ready);
else server.listen(listener, ready);
