import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { escapeHtml, renderMarkdown } from './markdown-page.ts';

const STYLE = `:root{color-scheme:light dark}
body{margin:0 auto;max-width:52rem;padding:1.5rem 1rem 4rem;font:16px/1.55 system-ui,sans-serif;overflow-wrap:anywhere}
h1,h2,h3{line-height:1.25;margin:2rem 0 .5rem}
nav ul{display:flex;flex-wrap:wrap;gap:0 1rem;padding:0;list-style:none}
code,pre{font:.875em/1.5 ui-monospace,monospace}
pre,blockquote{border-inline-start:3px solid GrayText;margin:1rem 0;padding:.25rem 0 .25rem 1rem}
pre,.wide{overflow-x:auto}
blockquote p{margin:0}
table{border-collapse:collapse}
th,td{border-bottom:1px solid GrayText;padding:.35rem .75rem .35rem 0;text-align:start;vertical-align:top;overflow-wrap:normal}
:target{scroll-margin-top:1rem}
`;

/**
 * `docs/*.md` as plain pages at `/docs/<name>`: no script, one style sheet, nothing from elsewhere. Read once, at start.
 * Problem bodies link to `/docs/errors#<code>`. `folder` null = no pages.
 */
export function registerDocs(app: FastifyInstance, folder: string | null): void {
  const pages = folder === null ? new Map<string, string>() : readPages(folder);
  if (pages.size === 0) return;
  const hidden = { schema: { hide: true } };
  app.get('/docs/style.css', hidden, async (_request, reply) =>
    reply.type('text/css; charset=utf-8').header('cache-control', 'no-cache').send(STYLE),
  );
  const serve = (url: string, html: string): void => {
    app.get(url, hidden, async (_request, reply) =>
      reply.type('text/html; charset=utf-8').header('cache-control', 'no-cache').send(html),
    );
  };
  const rendered = [...pages].map(([name, source]) => ({
    name,
    page: renderMarkdown(source, (target) => resolveLink(name, target, pages)),
  }));
  const list = rendered.filter(({ name }) => !name.includes('/'));
  const links = [
    ...list.map(({ name, page }) => `<li><a href="/docs/${name}">${escapeHtml(page.title)}</a></li>`),
    '<li><a href="/docs/api">API reference</a></li>',
  ].join('');
  const nav = `<nav aria-label="Documentation"><ul>${links}</ul></nav>`;
  for (const { name, page } of rendered) serve(`/docs/${name}`, frame(page.title, nav, page.html));
  serve('/docs', frame('Documentation', '', `<h1>Documentation</h1>\n<ul>${links}</ul>`));
}

/** Page name (`errors`, `decisions/0001-…`) → its Markdown. */
function readPages(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => /^[\w/-]+\.md$/.test(name))
    .toSorted();
  return new Map(names.map((name) => [name.slice(0, -'.md'.length), readFileSync(join(folder, name), 'utf8')]));
}

/** Links between pages stay here, web addresses lead out; files that are not served are named only. */
function resolveLink(from: string, target: string, pages: ReadonlyMap<string, string>): string | null {
  if (/^https?:\/\//.test(target) || target.startsWith('#')) return target;
  const [path = '', fragment] = target.split('#', 2);
  const name = posix.join(posix.dirname(from), path).replace(/\.md$/, '');
  if (!pages.has(name)) return null;
  return `/docs/${name}${fragment === undefined ? '' : `#${fragment}`}`;
}

function frame(title: string, nav: string, html: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} · Ownkey</title>
<link rel="stylesheet" href="/docs/style.css">
</head>
<body>
${nav}
<main>
${html}
</main>
</body>
</html>
`;
}
