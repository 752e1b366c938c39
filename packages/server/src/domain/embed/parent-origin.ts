import { OwnkeyError } from '@ownkey/contract/errors';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * An origin a page may embed from, as browsers write it: https, or http on the reader's own machine. Nothing but scheme, host and
 * port; no wildcard: it goes into a `frame-ancestors` as it is. @throws OwnkeyError request.invalid
 */
export function readParentOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const secure = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.has(url.hostname));
  if (url === null || !secure || url.origin !== text || url.hostname.includes('*')) {
    const problem = 'parent_origins: each must be an exact origin such as https://app.example.com, without a path.';
    throw new OwnkeyError('request.invalid', { problem, param: 'parent_origins' });
  }
  return url.origin;
}
