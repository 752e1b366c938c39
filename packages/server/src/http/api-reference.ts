import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { REFERENCE_POLICY } from './security-headers.ts';

/** OpenAPI 3.1 at `/api/openapi.json`, made from the route table; browsable at `/docs/api` from files of this server alone. */
export async function registerApiReference(app: FastifyInstance, options: { version: string }): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Ownkey API',
        version: options.version,
        description: 'Control plane: companies, keys, sources, audit. Inference runs on the gateway under /v1.',
      },
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', bearerFormat: 'oky_…' },
          session: { type: 'apiKey', in: 'cookie', name: 'ownkey_session' },
        },
      },
      security: [{ token: [] }, { session: [] }],
    },
    transform: jsonSchemaTransform,
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs/api',
    staticCSP: false,
    uiConfig: { persistAuthorization: false },
  });
  app.addHook('onRequest', async (request, reply) => {
    if (request.url.startsWith('/docs/api')) reply.header('content-security-policy', REFERENCE_POLICY);
  });
  let description: string | null = null;
  app.get('/api/openapi.json', { schema: { hide: true } }, async (_request, reply) => {
    description ??= JSON.stringify(app.swagger());
    return reply.type('application/json').header('cache-control', 'no-cache').send(description);
  });
}
