import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface BarrierRequest {
  /** `http://host:port/path` */
  url: string;
  headers: Readonly<Record<string, string>>;
  body: unknown;
}

export interface BarrierAnswer {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string;
}

/**
 * Sends every request but its last byte, each on a connection of its own, and waits until all of that has left; then sends all the
 * last bytes in one go. So the calls meet in the processes that serve them, not at their start-up. Resolves to the answers, in order.
 */
export async function sendAtOnce(requests: readonly BarrierRequest[]): Promise<BarrierAnswer[]> {
  const waiting = await Promise.all(requests.map(prepare));
  for (const { socket, last } of waiting) socket.write(last);
  return Promise.all(waiting.map(({ answer }) => answer));
}

async function prepare({ url, headers, body }: BarrierRequest): Promise<{
  socket: Socket;
  last: Buffer;
  answer: Promise<BarrierAnswer>;
}> {
  const { hostname, port, pathname, host } = new URL(url);
  const bytes = Buffer.from(JSON.stringify(body));
  const lines = [
    `POST ${pathname} HTTP/1.1`,
    `host: ${host}`,
    'connection: close',
    'content-type: application/json',
    `content-length: ${bytes.length}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  const socket = connect(Number(port), hostname);
  const answer = readAnswer(socket);
  // Its failure is told by whoever awaits it.
  answer.catch(() => {});
  await once(socket, 'connect');
  await new Promise<void>((resolve) => {
    socket.write(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), bytes.subarray(0, -1)]), () => resolve());
  });
  return { socket, last: bytes.subarray(-1), answer };
}

/** The whole answer of a connection that its server closes. */
async function readAnswer(socket: Socket): Promise<BarrierAnswer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const cut = text.indexOf('\r\n\r\n');
  if (cut < 0) throw new Error(`no answer: ${JSON.stringify(text.slice(0, 200))}`);
  const [first = '', ...lines] = text.slice(0, cut).split('\r\n');
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { status: Number(first.split(' ')[1]), headers, body: text.slice(cut + 4) };
}
