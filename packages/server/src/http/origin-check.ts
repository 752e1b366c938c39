import type { IncomingHttpHeaders } from 'node:http';
import { OwnkeyError } from '@ownkey/contract/errors';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses writes that another site's page made a browser send with the session cookie. Browsers name the page in `Sec-Fetch-Site`
 * and `Origin`; a client that sends neither is no browser and sends cookies on purpose. Calls with a token carry no cookie power
 * and are not checked. @throws OwnkeyError auth.csrf
 */
export function checkOrigin(
  request: { method: string; headers: IncomingHttpHeaders; host: string },
  consoleOrigin: string | null,
): void {
  if (SAFE.has(request.method) || request.headers.authorization !== undefined) return;
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') throw new OwnkeyError('auth.csrf');
  const { origin } = request.headers;
  if (origin === undefined || origin === consoleOrigin) return;
  if (!URL.canParse(origin) || new URL(origin).host !== request.host) throw new OwnkeyError('auth.csrf');
}
