/** The sandbox's own routes: page, example keys, record of calls, settings, post box. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBody } from './body.ts';
import type { CallRecord } from './calls.ts';
import { type Control, readControlChange } from './control.ts';
import { parseJson } from './json.ts';
import type { Mailbox } from './mailbox.ts';
import { PAGE_HEADERS, renderMails } from './page.ts';

export interface OwnState {
  calls: CallRecord;
  control: Control;
  mailbox: Mailbox;
  keys: () => unknown;
  prices: () => unknown;
  page: () => string;
}

/** Answers a request that is for no provider. */
export async function serveOwn(
  state: OwnState,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { calls, control, mailbox } = state;
  switch (`${request.method} ${path}`) {
    case 'GET /':
      return sendHtml(response, state.page());
    case 'GET /healthz':
      return sendJson(response, 200, { status: 'ok' });
    case 'GET /_keys':
      return sendJson(response, 200, state.keys());
    case 'GET /_prices':
      return sendJson(response, 200, { data: state.prices() });
    case 'GET /_calls':
      return sendJson(response, 200, { data: calls.all() });
    case 'DELETE /_calls':
      calls.clear();
      return sendJson(response, 200, { data: [] });
    case 'GET /_control':
      return sendJson(response, 200, control.settings);
    case 'DELETE /_control':
      control.reset();
      return sendJson(response, 200, control.settings);
    case 'PUT /_control': {
      const change = readControlChange(await readJson(request));
      if (typeof change === 'string') return sendJson(response, 400, { error: { message: change } });
      control.change(change);
      return sendJson(response, 200, control.settings);
    }
    case 'GET /_mail':
      return request.headers.accept?.includes('text/html')
        ? sendHtml(response, renderMails(mailbox.all()))
        : sendJson(response, 200, { data: mailbox.all() });
    case 'DELETE /_mail':
      mailbox.clear();
      return sendJson(response, 200, { data: [] });
    case 'POST /_mail':
      return mailbox.take(await readJson(request), new Date().toISOString())
        ? sendJson(response, 201, { status: 'kept' })
        : sendJson(response, 400, { error: { message: 'A mail has at least `to` and `subject`.' } });
    default:
      return sendJson(response, 404, { error: { message: `The sandbox has nothing at ${path}.` } });
  }
}

async function readJson(request: IncomingMessage): Promise<ReturnType<typeof parseJson>> {
  return parseJson((await readBody(request))?.toString('utf8') ?? '');
}

function sendHtml(response: ServerResponse, html: string): void {
  response.writeHead(200, PAGE_HEADERS);
  response.end(html);
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}
