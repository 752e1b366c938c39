import { problem } from '@ownkey/contract/api/common';
import { OwnkeyError } from '@ownkey/contract/errors';
import { RESPONSE_HEADERS } from '@ownkey/contract/headers';
import { ROUTES, type RouteName } from '@ownkey/contract/routes';
import type { Route } from '@ownkey/contract/routes/route';
import type { RefusedTokens } from '@ownkey/guard/refused-tokens';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Database } from '../storage/database.ts';
import { asCompany, asInstallation, type Credential, readCredential } from './caller.ts';
import type { Handlers } from './handler.ts';
import { PROBLEM_TYPE } from './problem.ts';

export interface RouteContext {
  readonly database: Database;
  readonly authSecret: string;
  readonly cookieName: string;
  readonly refused: RefusedTokens;
  /** Aborted when the server stops. */
  readonly stopping: AbortSignal;
}

type AnyHandler = (call: {
  params: unknown;
  query: unknown;
  body: unknown;
  headers: unknown;
  caller: unknown;
  credential: Credential;
  bytes: Buffer | null;
  client: { address: string; userAgent: string | null };
  host: string;
  gone: AbortSignal;
}) => Promise<{ status: PropertyKey; body: unknown; headers?: Readonly<Record<string, string>> }>;

/** Registers every route of the table: who may call is checked before anything of the request is looked at. */
export function registerRoutes(app: FastifyInstance, handlers: Handlers, context: RouteContext): void {
  const byName: Readonly<Record<RouteName, unknown>> = handlers;
  for (const name of routeNames()) {
    const handler = byName[name];
    if (!isHandler(handler)) throw new Error(`There is no handler for ${name}`);
    const route: Route = ROUTES[name];
    for (const url of [route.path, ...(route.aliases ?? [])]) registerRoute(app, name, route, url, handler, context);
  }
}

function registerRoute(
  app: FastifyInstance,
  name: RouteName,
  route: Route,
  url: string,
  handler: AnyHandler,
  context: RouteContext,
): void {
  app.route({
    method: route.method,
    url,
    ...(route.bodyMax === undefined
      ? {}
      : { bodyLimit: route.bodyMax.bytes, config: { bodyLevelsMax: route.bodyMax.levels } }),
    schema: {
      operationId: name,
      tags: [route.tag],
      summary: route.summary,
      ...(url === route.path ? {} : { hide: true }),
      ...(route.params === undefined ? {} : { params: route.params }),
      ...(route.query === undefined ? {} : { querystring: route.query }),
      ...(route.body === undefined ? {} : { body: route.body }),
      ...(route.headers === undefined ? {} : { headers: route.headers }),
      ...(route.access.who === 'public' ? { security: [] } : {}),
      response: {
        ...route.answers,
        default: { description: 'RFC 9457 problem', content: { [PROBLEM_TYPE]: { schema: problem } } },
      },
    },
    // Before the body is even read: somebody without access learns nothing about a request's form.
    onRequest: async (request) => {
      request.credential = await credentialOf(context, request);
      request.caller = await callerOf(route, request.credential, request, context.database);
    },
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const gone = new AbortController();
      const leave = (): void => gone.abort();
      reply.raw.once('close', leave);
      context.stopping.addEventListener('abort', leave);
      try {
        const answer = await handler({
          params: request.params,
          query: request.query,
          body: request.body,
          headers: request.headers,
          caller: request.caller,
          bytes: request.bodyBytes,
          credential: request.credential ?? { kind: 'none' },
          client: { address: request.ip, userAgent: request.headers['user-agent'] ?? null },
          host: request.host,
          gone: gone.signal,
        });
        reply.code(Number(answer.status)).headers({ ...answer.headers });
        return reply.send(answer.body ?? undefined);
      } finally {
        context.stopping.removeEventListener('abort', leave);
      }
    },
  });
}

/** @throws OwnkeyError auth.invalid, auth.too_many_failures */
async function credentialOf({ database, authSecret, cookieName, refused }: RouteContext, request: FastifyRequest) {
  try {
    return await readCredential(database, authSecret, cookieName, request);
  } catch (error) {
    throw refused.answer(error, request.ip);
  }
}

function callerOf(route: Route, credential: Credential, request: FastifyRequest, database: Database): unknown {
  const { access } = route;
  if (access.who === 'company') return asCompany(database, credential, access, request);
  if (access.who === 'host' || access.who === 'operator') return asInstallation(credential, access.who);
  if (access.who === 'session' && credential.kind !== 'session') throw new OwnkeyError('auth.missing');
  return null;
}

function routeNames(): RouteName[] {
  return Object.keys(ROUTES).filter((name): name is RouteName => Object.hasOwn(ROUTES, name));
}

function isHandler(value: unknown): value is AnyHandler {
  return typeof value === 'function';
}

export const REQUEST_ID_HEADER = RESPONSE_HEADERS.requestId;

declare module 'fastify' {
  interface FastifyRequest {
    credential: Credential | null;
    caller: unknown;
    /** The body as it came. */
    bodyBytes: Buffer | null;
  }
  interface FastifyContextConfig {
    bodyLevelsMax?: number;
  }
}
