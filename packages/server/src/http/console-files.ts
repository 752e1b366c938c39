import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';

/** Built files have their hash in the name and never change; the page itself is asked for anew each time. */
export async function registerConsole(app: FastifyInstance, folder: string | null): Promise<void> {
  app.decorateReply('sendPage', function sendPage(this: FastifyReply) {
    return this.sendFile('index.html', { cacheControl: false });
  });
  if (folder === null || !existsSync(join(folder, 'index.html'))) {
    app.get('/', { schema: { hide: true } }, async (_request, reply) =>
      reply.type('text/plain').send('The console is not built. Run `npm run build`.\n'),
    );
    return;
  }
  await app.register(fastifyStatic, {
    root: folder,
    wildcard: true,
    dotfiles: 'ignore',
    schemaHide: true,
    setHeaders: (reply, path) => {
      const isHashed = path.startsWith(join(folder, 'assets'));
      reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
}

declare module 'fastify' {
  interface FastifyReply {
    /** The console's page, for every address that is a room of it. */
    sendPage(): FastifyReply;
  }
}
