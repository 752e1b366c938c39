import { createServer, type IncomingHttpHeaders } from 'node:http';
import { afterAll } from 'vitest';

export interface ArrivedDelivery {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver of webhooks on a loopback port. */
export interface WebhookReceiver {
  readonly url: string;
  /** As the operator's list takes it. */
  readonly listed: string;
  readonly arrived: ArrivedDelivery[];
  /** What the next deliveries get; the last one stays. */
  answers: { status: number; headers?: Record<string, string>; body?: string }[];
}

/** Started when the file is loaded, so that its port can be in the settings of the control plane; closed after its tests. */
export async function useWebhookReceiver(): Promise<WebhookReceiver> {
  const receiver = { url: '', listed: '', arrived: [] as ArrivedDelivery[], answers: [{ status: 200 }] };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      receiver.arrived.push({ path: request.url ?? '', headers: request.headers, body });
      const answers: WebhookReceiver['answers'] = receiver.answers;
      const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? { status: 200 };
      response.writeHead(answer.status, answer.headers);
      response.end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  receiver.listed = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  receiver.url = `http://${receiver.listed}/hook`;
  afterAll(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return receiver;
}
