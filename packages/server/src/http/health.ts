import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../platform/metrics.ts';
import type { Database } from '../storage/database.ts';

/** `/healthz`: the process lives. `/readyz`: it can work (schema there, database answers). `/metrics`: figures for Prometheus. */
export function registerHealth(
  app: FastifyInstance,
  options: { database: Database; metrics: Metrics; stopping: AbortSignal },
): void {
  const hidden = { schema: { hide: true } };
  app.get('/healthz', hidden, async (_request, reply) => reply.type('application/json').send('{"ok":true}'));
  app.get('/readyz', hidden, async (_request, reply) => {
    const problem = options.stopping.aborted ? 'stopping' : await findProblem(options.database);
    return reply
      .code(problem === null ? 200 : 503)
      .type('application/json')
      .send(JSON.stringify(problem === null ? { ready: true } : { ready: false, problem }));
  });
  app.get('/metrics', hidden, async (_request, reply) =>
    reply.type(options.metrics.contentType).send(await options.metrics.text()),
  );
}

async function findProblem(database: Database): Promise<string | null> {
  try {
    await database.outside.rows('SELECT config_version FROM installation WHERE id = 1');
    return null;
  } catch {
    return 'the database does not answer or has no schema';
  }
}
