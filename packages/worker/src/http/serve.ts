import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Task } from '@ownkey/contract/dialect';
import { OwnkeyError } from '@ownkey/contract/errors';
import { FIELD_PATH } from '@ownkey/contract/field';
import { newId } from '@ownkey/contract/ids';
import type { Wire } from '@ownkey/contract/provider';
import type { Logger } from '@ownkey/guard/log';
import { fieldRouteName } from '../field/field-route.ts';
import { type GatewayParts, serveCall } from '../gateway/serve-call.ts';
import { discardBody } from './body.ts';
import type { Metrics } from './metrics.ts';
import { sendError, sendJson, sendText } from './respond.ts';
import type { Serve } from './server.ts';

/** A route that is not an AI call. Resolves when it has answered; rejects with what has to be answered. */
export type Route = (request: IncomingMessage, response: ServerResponse, call: RouteCall) => Promise<void>;

export interface RouteCall {
  requestId: string;
  expectsContinue: boolean;
  /** What stands in the path after the route's own part, decoded. */
  rest: string;
  /** What is answered in the place of an error: from somewhere that sends many wrong tokens, that it has to wait. */
  asAnswered: (error: unknown) => unknown;
}

export interface ServeParts {
  gateway: GatewayParts;
  models: Route;
  model: Route;
  /** Everything below `/field`; `rest` is what follows it. */
  field: Route;
  /** null = the route is off. */
  clearKeys: Route | null;
  /** Null when ready, else why not. */
  unready: () => Promise<string | null>;
  isStopping: () => boolean;
  /** As of `RouteCall`. */
  asAnswered: (request: IncomingMessage, error: unknown) => unknown;
  metrics: Metrics;
  log: Logger;
}

/** Routes that are an AI call: their path decides the wire and what is asked. */
export const CALLS: Readonly<Record<string, { wire: Wire; task: Task }>> = {
  '/v1/chat/completions': { wire: 'openai-chat', task: 'answer' },
  '/v1/responses': { wire: 'openai-responses', task: 'answer' },
  '/v1/messages': { wire: 'anthropic-messages', task: 'answer' },
  '/v1/messages/count_tokens': { wire: 'anthropic-messages', task: 'count-tokens' },
  '/v1/embeddings': { wire: 'openai-chat', task: 'embeddings' },
};
const MODELS = '/v1/models';
const METHODS: Readonly<Record<string, string>> = {
  [MODELS]: 'GET',
  '/healthz': 'GET',
  '/readyz': 'GET',
  '/metrics': 'GET',
  '/keys': 'POST',
};

/** Every request comes through here: one switch, no middleware. Never throws; an unexpected failure is one log line and a 500. */
export function createServe(parts: ServeParts): Serve {
  const countRequest = parts.metrics.counter('ownkey_gateway_requests_total', 'Answers by route and status.');
  return (request, response, expectsContinue) => {
    const url = request.url ?? '/';
    const cut = url.indexOf('?');
    const path = cut < 0 ? url : url.slice(0, cut);
    const requestId = newId('request');
    response.once('close', () => countRequest({ route: routeName(path), status: response.statusCode }));
    const asAnswered = (error: unknown): unknown => parts.asAnswered(request, error);
    dispatch(parts, path, request, response, { requestId, expectsContinue, rest: '', asAnswered }).then(
      () => discardBody(request),
      (error: unknown) => {
        answerError(parts, path, request, response, requestId, asAnswered(error));
        discardBody(request);
      },
    );
  };
}

async function dispatch(
  parts: ServeParts,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  call: RouteCall,
): Promise<void> {
  const asked = CALLS[path];
  if (asked !== undefined) {
    checkMethod(request, 'POST');
    if (parts.isStopping()) throw new OwnkeyError('stopping');
    return serveCall(parts.gateway, asked, request, response, call);
  }
  return dispatchOther(parts, path, request, response, call);
}

async function dispatchOther(
  parts: ServeParts,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  call: RouteCall,
): Promise<void> {
  if (fieldRouteName(path) !== null) {
    checkMethod(request, 'GET');
    return parts.field(request, response, { ...call, rest: decodePath(path.slice(FIELD_PATH.length + 1)) });
  }
  const modelId = path.startsWith(`${MODELS}/`) ? decodePath(path.slice(MODELS.length + 1)) : null;
  const known = modelId === null ? path : MODELS;
  const method = METHODS[known];
  if (method === undefined) throw new OwnkeyError('not_found');
  checkMethod(request, method);
  if (modelId !== null) return parts.model(request, response, { ...call, rest: modelId });
  switch (path) {
    case MODELS:
      return parts.models(request, response, call);
    case '/healthz':
      return sendJson(response, 200, { status: 'ok' });
    case '/readyz': {
      const why = parts.isStopping() ? 'stopping' : await parts.unready();
      return sendJson(
        response,
        why === null ? 200 : 503,
        why === null ? { status: 'ready' } : { status: 'not ready', why },
      );
    }
    case '/metrics':
      return sendText(response, 200, 'text/plain; version=0.0.4; charset=utf-8', parts.metrics.text());
    default:
      if (parts.clearKeys === null) throw new OwnkeyError('clear_keys.off');
      return parts.clearKeys(request, response, call);
  }
}

function checkMethod(request: IncomingMessage, method: string): void {
  const given = request.method ?? '';
  if (given === method || (method === 'GET' && given === 'HEAD')) return;
  throw new OwnkeyError('method_not_allowed', { method: given, allow: method });
}

function decodePath(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new OwnkeyError('not_found');
  }
}

function answerError(
  { log }: ServeParts,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
  error: unknown,
): void {
  if (!(error instanceof OwnkeyError)) log.error('a request failed', { request_id: requestId, error });
  else if (error.status >= 500 && error.code !== 'stopping') {
    log.warn('a request was refused', { request_id: requestId, code: error.code, why: error.message });
  }
  const known = error instanceof OwnkeyError ? error : new OwnkeyError('internal');
  const { allow, ...facts } = known.facts;
  const headers: Record<string, string> = typeof allow === 'string' ? { allow } : {};
  if (response.headersSent) response.destroy();
  else sendError(response, wireOf(path, request), known.code, facts, requestId, headers);
}

/** The path decides; where both wires share one, the version header does. */
function wireOf(path: string, request: IncomingMessage): Wire {
  const shared = path.startsWith('/v1/') && request.headers['anthropic-version'] !== undefined;
  return CALLS[path]?.wire ?? (shared ? 'anthropic-messages' : 'openai-chat');
}

/** Label of the metrics: a fixed word, whatever the caller wrote. */
function routeName(path: string): string {
  if (CALLS[path] !== undefined || METHODS[path] !== undefined) return path;
  const field = fieldRouteName(path);
  if (field !== null) return field;
  return path.startsWith(`${MODELS}/`) ? `${MODELS}/{id}` : 'other';
}
