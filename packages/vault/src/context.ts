/**
 * What a sealed key is bound to, and the wire form of a sealed key. Browser-safe: no Buffer, no node: import.
 *
 * Wire form: base64url(JSON {v, kid, enc, ct, ctx}). `ctx` is the base64url of the exact bytes used as associated data, so the
 * opener never re-serialises what the sealer wrote. Both are read strictly: an unknown, missing, repeated or out-of-bounds field
 * is refused, never ignored.
 */
import { decodeBase64Url, encodeBase64Url } from './base64url.ts';

/** A sealed key opens only for exactly this. */
export interface SealContext {
  readonly company: string;
  /** The owner of a personal key; null for a key of the company (or a platform key). */
  readonly user: string | null;
  readonly provider: string;
  readonly key_id: string;
  /** 1 for a first paste; a rotation seals version + 1. */
  readonly version: number;
  /** `catalogue:<id>`, or the origin of a custom endpoint. */
  readonly destination: string;
  /** Single use; the opener's database refuses it a second time until `exp`. */
  readonly nonce: string;
  /** Unix seconds, counted from the server's clock. */
  readonly exp: number;
}

/** A parsed sealed key: everything in it is public but the encrypted key text itself. */
export interface SealedKey {
  readonly kid: string;
  readonly enc: Uint8Array<ArrayBuffer>;
  readonly ct: Uint8Array<ArrayBuffer>;
  /** The associated data, byte for byte. */
  readonly ctxBytes: Uint8Array<ArrayBuffer>;
  readonly context: SealContext;
}

/** Thrown for a context or sealed key that is not well formed. `field` names the first field at fault; never a value. */
export class SealFormatError extends Error {
  override readonly name = 'SealFormatError';
  readonly field: string;
  constructor(field: string, text: string) {
    super(`sealed key, ${field}: ${text}`);
    this.field = field;
  }
}

/** Longest clear key, in bytes. */
export const CLEAR_KEY_BYTES_MAX = 4096;
const CTX_BYTES_MAX = 2048;
/** Longest text of a sealed key: 4096 bytes of key in two shares and 2048 of context, twice through base64url, with some room. */
export const SEALED_KEY_CHARACTERS_MAX = 20_480;
/** Uncompressed P-256 point (RFC 9180 section 7.1). */
export const ENC_BYTES = 65;
const TAG_BYTES = 16;

type Check = (value: unknown) => boolean;
const text =
  (form: RegExp): Check =>
  (value) =>
    typeof value === 'string' && form.test(value);
const integer =
  (max: number): Check =>
  (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max;

/** Field order is the order of the canonical encoding. */
const CONTEXT_FIELDS: readonly [keyof SealContext, Check][] = [
  ['company', text(/^[^\p{Cc}\p{Cs}]{1,200}$/u)],
  ['user', (value) => value === null || text(/^[^\p{Cc}\p{Cs}]{1,200}$/u)(value)],
  ['provider', text(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)],
  ['key_id', text(/^key_[0-9A-Za-z]{8,60}$/)],
  ['version', integer(2_147_483_647)],
  ['destination', text(/^(?:catalogue:[a-z0-9][a-z0-9._-]{0,63}|https?:\/\/[a-z0-9._:[\]-]{1,262})$/)],
  ['nonce', text(/^[A-Za-z0-9_-]{16,64}$/)],
  ['exp', integer(253_402_300_799)],
];
const WIRE_FIELDS = ['v', 'kid', 'enc', 'ct', 'ctx'];

function isContext(value: Readonly<Record<string, unknown>>): value is Readonly<Record<string, unknown>> & SealContext {
  return CONTEXT_FIELDS.every(([name, check]) => check(value[name]));
}

/** The context as the bytes to authenticate: JSON, fields in fixed order. @throws SealFormatError */
export function encodeContext(context: SealContext): Uint8Array<ArrayBuffer> {
  const ordered: Record<string, unknown> = {};
  for (const [name, check] of CONTEXT_FIELDS) {
    if (!check(context[name])) throw new SealFormatError(name, 'missing or out of bounds');
    ordered[name] = context[name];
  }
  for (const name of Object.keys(context)) if (!(name in ordered)) throw new SealFormatError('ctx', 'unknown field');
  const bytes = new TextEncoder().encode(JSON.stringify(ordered));
  if (bytes.length > CTX_BYTES_MAX) throw new SealFormatError('ctx', 'too long');
  return bytes;
}

/**
 * Reads context bytes. Order and white space are free (the bytes themselves are what is authenticated), everything else is exact.
 * @throws SealFormatError
 */
export function decodeContext(bytes: Uint8Array): SealContext {
  if (bytes.length > CTX_BYTES_MAX) throw new SealFormatError('ctx', 'too long');
  const value = parseFlatObject(
    bytes,
    CONTEXT_FIELDS.map(([name]) => name),
    'ctx',
  );
  if (isContext(value)) return value;
  const fault = CONTEXT_FIELDS.find(([name, check]) => !check(value[name]));
  throw new SealFormatError(fault?.[0] ?? 'ctx', 'missing or out of bounds');
}

/** The sealed key as one line of text. */
export function encodeSealedKey(sealed: {
  kid: string;
  enc: Uint8Array;
  ct: Uint8Array;
  ctxBytes: Uint8Array;
}): string {
  const wire = {
    v: 1,
    kid: sealed.kid,
    enc: encodeBase64Url(sealed.enc),
    ct: encodeBase64Url(sealed.ct),
    ctx: encodeBase64Url(sealed.ctxBytes),
  };
  return encodeBase64Url(new TextEncoder().encode(JSON.stringify(wire)));
}

/** Reads a sealed key without opening it: form, bounds and context. Anybody may do this. @throws SealFormatError */
export function parseSealedKey(sealed: string): SealedKey {
  if (typeof sealed !== 'string' || sealed.length === 0) throw new SealFormatError('sealed_key', 'empty');
  if (sealed.length > SEALED_KEY_CHARACTERS_MAX) throw new SealFormatError('sealed_key', 'too long');
  const outer = decodeBase64Url(sealed);
  if (!outer) throw new SealFormatError('sealed_key', 'not base64url');
  const wire = parseFlatObject(outer, WIRE_FIELDS, 'sealed_key');
  if (wire.v !== 1) throw new SealFormatError('v', 'unknown version');
  const kid = wire.kid;
  if (typeof kid !== 'string' || !/^[0-9A-Za-z_-]{1,64}$/.test(kid)) throw new SealFormatError('kid', 'out of bounds');
  const enc = bytesOf(wire, 'enc', ENC_BYTES, ENC_BYTES);
  const ct = bytesOf(wire, 'ct', TAG_BYTES + 2, TAG_BYTES + 2 * CLEAR_KEY_BYTES_MAX);
  if (ct.length % 2 !== 0) throw new SealFormatError('ct', 'wrong length'); // two shares of one length
  const ctxBytes = bytesOf(wire, 'ctx', 2, CTX_BYTES_MAX);
  return { kid, enc, ct, ctxBytes, context: decodeContext(ctxBytes) };
}

function bytesOf(wire: Readonly<Record<string, unknown>>, field: string, min: number, max: number) {
  const value = wire[field];
  const bytes = typeof value === 'string' ? decodeBase64Url(value) : null;
  if (!bytes) throw new SealFormatError(field, 'not base64url');
  if (bytes.length < min || bytes.length > max) throw new SealFormatError(field, 'wrong length');
  return bytes;
}

/** A JSON object whose members are exactly `fields`, each once. JSON.parse alone would let the last of two equal names win. */
function parseFlatObject(
  bytes: Uint8Array,
  fields: readonly string[],
  where: string,
): Readonly<Record<string, unknown>> {
  let json: string;
  let value: unknown;
  try {
    json = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(json);
  } catch {
    throw new SealFormatError(where, 'not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new SealFormatError(where, 'not an object');
  const entries = new Map<string, unknown>(Object.entries(value));
  for (const name of entries.keys()) if (!fields.includes(name)) throw new SealFormatError(where, 'unknown field');
  for (const name of fields) if (!entries.has(name)) throw new SealFormatError(name, 'missing');
  if (countNames(json) !== fields.length) throw new SealFormatError(where, 'a field is repeated or nested');
  return Object.fromEntries(entries);
}

function countNames(json: string): number {
  let names = 0;
  for (const match of json.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)) if (match[1] !== undefined) names++;
  return names;
}
