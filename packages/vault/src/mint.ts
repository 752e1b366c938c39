/** Names that clients make themselves. Apart from seal.ts, so that who seals elsewhere does not load the encryption. */
import { newId } from '@ownkey/contract/ids';
import { encodeBase64Url } from './base64url.ts';

/** A key id minted by the client, so that a repeated connect is the same connect. */
export function newKeyId(now: number = Date.now()): string {
  return newId('key', now);
}

/** 128 random bits for `SealContext.nonce`. */
export function newNonce(): string {
  return encodeBase64Url(crypto.getRandomValues(new Uint8Array(16)));
}
