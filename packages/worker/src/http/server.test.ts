import { once } from 'node:events';
import http, { type ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { closeConnections, createServer } from './server.ts';

/** A server with one request in flight, told to listen no more. */
async function withRunningRequest() {
  let begin = (_response: ServerResponse): void => {};
  const begun = new Promise<ServerResponse>((resolve) => {
    begin = resolve;
  });
  const server = createServer((_request, response) => begin(response), null);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const agent = new http.Agent({ keepAlive: true });
  const answer = new Promise<string>((resolve, reject) => {
    http
      .get({ port, host: '127.0.0.1', agent }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece) => (text += piece));
        response.on('end', () => resolve(text)).on('error', reject);
      })
      .on('error', reject);
  });
  const response = await begun;
  server.close();
  return { server, response, answer };
}

test('a stop lets the last bytes of a running answer out, then ends its connection', async () => {
  const { server, response, answer } = await withRunningRequest();
  const closed = closeConnections(server, 60_000);
  response.write('first ');
  response.end('last');
  expect(await answer).toBe('first last');
  await closed;
});

test('a stop ends a connection whose answer does not come in its time', async () => {
  const { server, response, answer } = await withRunningRequest();
  response.write('first ');
  const failed = expect(answer).rejects.toThrow();
  await closeConnections(server, 0);
  await failed;
});
