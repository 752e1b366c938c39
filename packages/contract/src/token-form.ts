/**
 * Tokens: `oky_<kind>_<32 random characters><6 characters of checksum>`. The checksum says nothing about whether a token is valid;
 * it lets both planes, and scanners of leaked secrets, refuse what was never a token without asking anybody. Runs everywhere.
 */
export type TokenKind = 'co' | 'usr' | 'host' | 'op';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SECRET_CHARACTERS = 32;
const CHECKSUM_CHARACTERS = 6;
const FORM = /^oky_[a-z]{2,5}_[0-9A-Za-z]{38}$/;
/** Characters of the secret that may be stored and shown, to recognise a token by. */
const SHOWN_CHARACTERS = 4;

/** A new token with 190 random bits. */
export function newToken(kind: TokenKind): string {
  const text = `oky_${kind}_${randomCharacters(SECRET_CHARACTERS)}`;
  return text + checksumOf(text);
}

/** Whether `text` may be a token: its form and its checksum are right. */
export function isTokenForm(text: string): boolean {
  if (!FORM.test(text)) return false;
  const cut = text.length - CHECKSUM_CHARACTERS;
  return checksumOf(text.slice(0, cut)) === text.slice(cut);
}

/** The beginning of a token, as lists show it. */
export function tokenPrefix(token: string): string {
  return token.slice(0, token.length - SECRET_CHARACTERS - CHECKSUM_CHARACTERS + SHOWN_CHARACTERS);
}

/** Every character equally likely: bytes that would favour some are thrown away. */
function randomCharacters(count: number): string {
  let text = '';
  while (text.length < count) {
    for (const byte of crypto.getRandomValues(new Uint8Array(count))) {
      if (byte < 248 && text.length < count) text += BASE62.charAt(byte % 62);
    }
  }
  return text;
}

function checksumOf(text: string): string {
  let rest = crc32(text);
  let out = '';
  for (let i = 0; i < CHECKSUM_CHARACTERS; i++, rest = Math.floor(rest / 62)) out = BASE62.charAt(rest % 62) + out;
  return out;
}

/** CRC-32 (IEEE 802.3) of ASCII text. */
function crc32(text: string): number {
  let crc = 0xffffffff;
  for (let i = 0; i < text.length; i++) {
    crc ^= text.charCodeAt(i);
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
