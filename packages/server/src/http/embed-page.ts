import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EMBED_PATH } from '@ownkey/contract/embed-frame';
import { isId } from '@ownkey/contract/ids';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { findParentOrigins } from '../domain/embed/embed-sessions.ts';
import type { Database } from '../storage/database.ts';
import { ENDED_HEADERS, embedHeaders } from './security-headers.ts';

export interface EmbedOptions {
  readonly database: Database;
  readonly gatewayUrl: string;
  /** Folder of the built console; null = none. */
  readonly consoleFiles: string | null;
  /** The built script of the element; null = none. */
  readonly embedScript: string | null;
}

/** Where the page is told which pages may hold it. */
const PARENTS_MARK = '%PARENTS%';

/** Its name holds no hash, since it stands in pages of hosts: a new one is in use within minutes. */
const SCRIPT_CACHE = 'public, max-age=300, stale-while-revalidate=86400';

/**
 * `GET /embed?s=<id>`: the console's page for a frame, to be held by the pages its session names and by nobody else; read anew each
 * time. It holds nothing of the session: the token reaches it from the page around it. `GET /embed.js`: the element for hosts.
 */
export async function registerEmbed(app: FastifyInstance, options: EmbedOptions): Promise<void> {
  const file = options.consoleFiles === null ? null : join(options.consoleFiles, 'embed.html');
  const page = file !== null && existsSync(file) ? await readFile(file, 'utf8') : null;
  if (page !== null) {
    app.get<{ Querystring: { s?: unknown } }>(EMBED_PATH, { schema: { hide: true } }, async (request, reply) => {
      const { s: id } = request.query;
      const parents =
        typeof id === 'string' && isId('embedSession', id)
          ? await options.database.everywhere((sql) => findParentOrigins(sql, id))
          : null;
      if (parents === null) return sendFramed(reply.code(404), ENDED_HEADERS, ENDED_PAGE);
      // Origins hold none of HTML's characters (`readParentOrigin`).
      return sendFramed(
        reply,
        embedHeaders(parents, options.gatewayUrl),
        page.replace(PARENTS_MARK, parents.join(' ')),
      );
    });
  }
  if (options.embedScript !== null) {
    const script = await readFile(options.embedScript, 'utf8');
    app.get('/embed.js', { schema: { hide: true } }, async (_request, reply) =>
      reply
        .headers({ 'cache-control': SCRIPT_CACHE, 'cross-origin-resource-policy': 'cross-origin' })
        .type('text/javascript; charset=utf-8')
        .send(script),
    );
  }
}

/** `x-frame-options` knows no list of pages. */
function sendFramed(reply: FastifyReply, headers: Readonly<Record<string, string>>, html: string): FastifyReply {
  return reply.removeHeader('x-frame-options').headers(headers).type('text/html; charset=utf-8').send(html);
}

/** Its script tells the page around the frame, so that it does not wait. */
const ENDED_PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>This session has ended</title>
<link rel="stylesheet" href="/embed-ended.css"><script src="/embed-ended.js"></script></head>
<body><main><p>This session has ended.</p></main></body>
</html>
`;
