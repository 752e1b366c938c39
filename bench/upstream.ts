/**
 * A provider that answers at once, on bare sockets so that it is never the bottleneck: 1 KB of JSON with usage, or an event
 * stream of 275-byte deltas when the body asks for one. argv: deltas, interval in ms.
 */
import { createServer, type Socket } from 'node:net';

const deltas = Number(process.argv[2] ?? 40);
const intervalMs = Number(process.argv[3] ?? 50);
const usage = { prompt_tokens: 250, completion_tokens: 120, total_tokens: 370 };
const json = JSON.stringify({
  id: 'chatcmpl-bench',
  object: 'chat.completion',
  created: 1_700_000_000,
  model: 'bench',
  choices: [{ index: 0, message: { role: 'assistant', content: 'a'.repeat(760) }, finish_reason: 'stop' }],
  usage,
});
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${json.length}\r\n\r\n${json}`,
);
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const event = (delta: object, more: object = {}) =>
  `data: ${JSON.stringify({ id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'bench', choices: [{ index: 0, delta, finish_reason: null }], ...more })}\n\n`;
const head = Buffer.from('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n');
const delta = Buffer.from(chunk(event({ content: 'b'.repeat(120) })));
const tail = Buffer.from(`${chunk(event({}, { choices: [], usage }))}${chunk('data: [DONE]\n\n')}0\r\n\r\n`);

function stream(socket: Socket): void {
  socket.write(head);
  let sent = 0;
  const timer = setInterval(() => {
    if (socket.destroyed) return clearInterval(timer);
    if (sent++ < deltas) return void socket.write(delta);
    clearInterval(timer);
    socket.write(tail);
  }, intervalMs);
}

const server = createServer((socket) => {
  let pending = '';
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (data) => {
    pending += data.toString('latin1');
    for (;;) {
      const bodyAt = pending.indexOf('\r\n\r\n') + 4;
      if (bodyAt < 4) return;
      const length = Number(/content-length: *(\d+)/i.exec(pending.slice(0, bodyAt))?.[1] ?? 0);
      if (pending.length < bodyAt + length) return;
      const streaming = pending.slice(bodyAt, bodyAt + length).includes('"stream":true');
      pending = pending.slice(bodyAt + length);
      if (streaming) stream(socket);
      else socket.write(answer);
    }
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(JSON.stringify({ port: typeof address === 'object' && address ? address.port : 0 }));
});
