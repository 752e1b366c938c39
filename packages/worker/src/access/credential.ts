import { hash as hashOnce } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { OwnkeyError } from '@ownkey/contract/errors';
import { isTokenForm } from '@ownkey/contract/token-form';

/**
 * SHA-256 (hex) of the token a request came with: `Authorization: Bearer` first, then `x-api-key`. The token itself goes no
 * further: it is never logged, kept or compared. What has no checksum of ours is refused here. Cookies are not looked at.
 * @throws OwnkeyError auth.missing, auth.invalid
 */
export function readCredential(headers: IncomingHttpHeaders): string {
  const { authorization } = headers;
  const apiKey = headers['x-api-key'];
  const bearer = authorization !== undefined && /^bearer /i.test(authorization) ? authorization.slice(7).trim() : '';
  const token = bearer.startsWith('oky_') || typeof apiKey !== 'string' ? bearer : apiKey.trim();
  if (token === '') throw new OwnkeyError('auth.missing');
  if (!isTokenForm(token)) throw new OwnkeyError('auth.invalid');
  return hashOnce('sha256', token, 'hex');
}
