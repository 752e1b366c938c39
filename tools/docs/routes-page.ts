import { ROUTES } from '@ownkey/contract/routes';
import type { Route, RouteAccess } from '@ownkey/contract/routes/route';
import { SCOPES } from '@ownkey/contract/scopes';
import { code, pageHead, table } from './markdown.ts';

const INTRO = [
  'Every route of the control plane. Bodies and answers are in the OpenAPI description, at `/api/openapi.json` and browsable at `/docs/api` of your installation. AI calls go to the gateway under `/v1`: see the [guide](guide.md).',
  '',
  'Callers send `Authorization: Bearer oky_…` or `x-api-key: oky_…`, or have the console’s session. “Who” names the scope a token needs:',
  '',
  '- *anybody*: signed in or not. *Signed in*: a session of the console.',
  '- A scope such as `keys:read`: a token or session of the company that has it, or a host token that names the company in `x-ownkey-company`. *Admins* means that members may not, whatever their token says.',
  '- `host`, `operator`: a token with that scope, or a signed-in operator. They belong to no company.',
  '',
  `Scopes: ${SCOPES.map(code).join(', ')}. \`company:admin\` implies every scope but \`host\` and \`operator\`.`,
  '',
  'Ids in paths are ours or the host’s own. Lists answer `{ "data": […], "next_cursor" }`. Writes take `If-Match`; connecting, testing and replacing a key also take `Idempotency-Key`, and `Prefer: respond-async` to get a job at once.',
];

/** `docs/routes.md`. */
export function routesPage(): string {
  const lines = pageHead('Routes', '`packages/contract/src/routes.ts`', INTRO);
  for (const [tag, routes] of byTag()) {
    lines.push(`## ${tag}`, '');
    lines.push(
      ...table(
        ['Call', 'Who', 'What it does'],
        routes.map((route) => [code(`${route.method} ${shown(route.path)}`), who(route.access), route.summary]),
      ),
      '',
    );
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

function byTag(): Map<string, Route[]> {
  const tags = new Map<string, Route[]>();
  const routes: readonly Route[] = Object.values(ROUTES);
  for (const route of routes) tags.set(route.tag, [...(tags.get(route.tag) ?? []), route]);
  return tags;
}

function shown(path: string): string {
  return path.replace(/:([a-z_]+)/g, '{$1}');
}

function who(access: RouteAccess): string {
  switch (access.who) {
    case 'public':
      return 'anybody';
    case 'session':
      return 'signed in';
    case 'company':
      return [
        access.or === undefined ? code(access.scope) : `${code(access.scope)} or ${code(access.or)}`,
        ...(access.admin === true ? ['admins'] : []),
      ].join(', ');
    case 'host':
    case 'operator':
      return code(access.who);
  }
}
