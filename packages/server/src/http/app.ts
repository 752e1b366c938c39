import { OwnkeyError } from '@ownkey/contract/errors';
import { newId } from '@ownkey/contract/ids';
import { ROUTES } from '@ownkey/contract/routes';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { Metrics } from '../platform/metrics.ts';
import { registerApiReference } from './api-reference.ts';
import { registerConsole } from './console-files.ts';
import { registerDocs } from './docs-pages.ts';
import { registerEmbed } from './embed-page.ts';
import type { Handlers } from './handler.ts';
import { registerHealth } from './health.ts';
import { parseJsonBody } from './json-body.ts';
import { checkOrigin } from './origin-check.ts';
import { API_BODY_BYTES_MAX, asOwnkeyError, sendProblem } from './problem.ts';
import { REQUEST_ID_HEADER, type RouteContext, registerRoutes } from './register.ts';
import { securityHeaders } from './security-headers.ts';

export interface AppOptions extends RouteContext {
  readonly log: FastifyBaseLogger;
  readonly metrics: Metrics;
  readonly consoleOrigin: string | null;
  /** Public address of the gateway, whose page the console holds in a frame. */
  readonly gatewayUrl: string;
  readonly secure: boolean;
  readonly trustedProxies: readonly string[];
  /** Folder of the built console; null = none. */
  readonly consoleFiles: string | null;
  /** The embed's script; null = none. */
  readonly embedScript: string | null;
  /** Folder of the documentation; null = none. */
  readonly docs: string | null;
  readonly version: string;
}

/** The whole HTTP side: routes of the table, console files, reference, health. Not listening yet. */
export async function createApp(handlers: Handlers, options: AppOptions): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: options.log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    genReqId: () => newId('request'),
    requestIdHeader: false,
    bodyLimit: API_BODY_BYTES_MAX,
    trustProxy: options.trustedProxies.length > 0 ? [...options.trustedProxies] : false,
    connectionTimeout: 120_000,
    requestTimeout: 60_000,
    // Above what load balancers keep idle connections for (60 s), so that they close first; the gateway's value too.
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    routerOptions: { maxParamLength: 300, ignoreTrailingSlash: false },
    frameworkErrors: (error, request, reply) => {
      reply.headers(securityHeaders(options.secure, options.gatewayUrl)).header(REQUEST_ID_HEADER, request.id);
      sendProblem(reply, asOwnkeyError(error, request), request.id);
    },
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.decorateRequest('credential', null);
  app.decorateRequest('caller', null);
  app.decorateRequest('bodyBytes', null);
  readJsonAlone(app);

  const headers = securityHeaders(options.secure, options.gatewayUrl);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(headers).header(REQUEST_ID_HEADER, request.id);
    if (!isApi(request)) return;
    reply.header('cache-control', 'no-store').header('vary', 'authorization, cookie');
    checkOrigin(request, options.consoleOrigin);
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    options.metrics.observe(route, request.method, reply.statusCode, reply.elapsedTime / 1000);
    // The pattern, not the address: addresses hold what callers wrote.
    const line = { method: request.method, route, status: reply.statusCode };
    request.log.info({ ...line, ms: Math.round(reply.elapsedTime) }, 'answered');
  });
  app.setErrorHandler((error, request, reply) => {
    const known = asOwnkeyError(error, request);
    if (known.status >= 500) {
      request.log.error({ code: known.code, err: known.cause ?? known }, 'failed');
    }
    return sendProblem(reply, known, request.id);
  });

  await registerApiReference(app, options);
  registerDocs(app, options.docs);
  registerRoutes(app, handlers, options);
  registerHealth(app, options);
  await registerEmbed(app, options);
  await registerConsole(app, options.consoleFiles);
  app.setNotFoundHandler((request, reply) => {
    if (isApi(request))
      throw otherMethod(request)
        ? new OwnkeyError('method_not_allowed', { method: request.method })
        : new OwnkeyError('not_found');
    return options.consoleFiles !== null && wantsPage(request)
      ? reply.sendPage()
      : sendProblem(reply, new OwnkeyError('not_found'), request.id);
  });
  return app;
}

/** Bodies are JSON, and none is needed where a route takes none. */
function readJsonAlone(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      const bytes = Buffer.from(body);
      request.bodyBytes = bytes;
      done(null, bytes.length === 0 ? undefined : parseJsonBody(bytes, request.routeOptions.config.bodyLevelsMax));
    } catch (error) {
      done(error instanceof Error ? error : new Error('body'));
    }
  });
}

function isApi(request: FastifyRequest): boolean {
  return request.url.startsWith('/api/') || request.url === '/api';
}

function wantsPage(request: FastifyRequest): boolean {
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  return isRead && (request.headers.accept ?? '').includes('text/html');
}

const PATHS = Object.values(ROUTES).map(({ method, path }) => ({
  method,
  form: new RegExp(`^${path.replace(/:[a-z_]+/g, '[^/]+')}$`),
}));

function otherMethod(request: FastifyRequest): boolean {
  const path = request.url.split('?', 1)[0] ?? '';
  return PATHS.some(({ method, form }) => method !== request.method && form.test(path));
}
