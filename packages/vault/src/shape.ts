/**
 * The form check of a pasted key: byte rules, and a guess from its prefix. Browser-safe, and works on bytes, so that the worker
 * can run it without making a string of the clear key. A shape proves nothing: only the provider's answer does.
 */
import type { KeyShape } from '@ownkey/contract/provider';
import { CLEAR_KEY_BYTES_MAX } from './context.ts';

/** What the check needs of a catalogue entry; a whole `CatalogueEntry` fits. */
export interface ShapeOwner {
  readonly id: string;
  readonly name: string;
  readonly key: Pick<KeyShape, 'prefixes' | 'shared_prefixes' | 'min_length'>;
}

export type ShapeProblem = 'empty' | 'too_long' | 'bad_character' | 'ownkey_token' | 'other_provider' | 'cut_off';

export type ShapeResult =
  | {
      readonly ok: true;
      /** The key itself: a view into the bytes given (not a copy), without quotes and white space around it. */
      readonly clearKey: Uint8Array;
      readonly trimmed: boolean;
      /** Whether the key starts as the provider's keys do. False: nothing is known, let the test tell. */
      readonly recognised: boolean;
      readonly hint: string;
    }
  | {
      readonly ok: false;
      readonly problem: ShapeProblem;
      /** Only for `other_provider`: whose key it looks like. */
      readonly provider: string | null;
      readonly hint: string;
    };

/** Keys shorter than this show no last four: they would be too large a part of the key. */
export const LAST_FOUR_KEY_LENGTH_MIN = 16;

const OWN_TOKEN_PREFIX = 'oky_';
/** Beyond this even white space is not looked through. */
const PASTED_BYTES_MAX = CLEAR_KEY_BYTES_MAX * 2;

/**
 * Checks a pasted key against its provider (`owner`; null for a custom endpoint, whose keys have no known form) and against all
 * providers (`all`). A string (browser) is read as UTF-8. Pure; never throws; no hint contains any part of the key.
 */
export function checkKeyShape(
  pasted: Uint8Array | string,
  owner: ShapeOwner | null,
  all: readonly ShapeOwner[],
): ShapeResult {
  if (pasted.length > PASTED_BYTES_MAX) return refused('too_long', 'Far too long for a key. Nothing was read.');
  const bytes = typeof pasted === 'string' ? new TextEncoder().encode(pasted) : pasted;
  const clearKey = trimKey(bytes);
  if (clearKey.length === 0) return refused('empty', 'There is no key here. Copy it again.');
  if (clearKey.length > CLEAR_KEY_BYTES_MAX) return refused('too_long', 'Far too long for a key. Nothing was read.');
  if (clearKey.some((byte) => byte < 0x21 || byte > 0x7e)) {
    return refused('bad_character', 'There is a character here that keys do not contain. Copy it again.');
  }
  if (startsWith(clearKey, OWN_TOKEN_PREFIX)) {
    return refused('ownkey_token', 'This is an Ownkey token, not a provider key.');
  }
  const trimmed = clearKey.length !== bytes.length;
  if (!owner) return accepted(clearKey, trimmed, null);
  return checkProvider(clearKey, trimmed, owner, all);
}

/** The last four characters, or null for keys under 16 characters. The only part of a key that may become a string. */
export function lastFour(clearKey: Uint8Array): string | null {
  if (clearKey.length < LAST_FOUR_KEY_LENGTH_MIN) return null;
  return String.fromCharCode(...clearKey.subarray(clearKey.length - 4));
}

/**
 * What is shown instead of a stored key, such as "sk-...abcd"; the prefix is the catalogue's, the one all keys of the provider may
 * begin with, and not read from the key.
 */
export function maskOf(shape: Pick<KeyShape, 'prefixes' | 'shared_prefixes'> | null, last4: string | null): string {
  return `${shape?.shared_prefixes?.[0] ?? shape?.prefixes[0] ?? ''}...${last4 ?? ''}`;
}

function checkProvider(
  clearKey: Uint8Array,
  trimmed: boolean,
  owner: ShapeOwner,
  all: readonly ShapeOwner[],
): ShapeResult {
  const own = longestMatch(clearKey, [...owner.key.prefixes, ...(owner.key.shared_prefixes ?? [])]);
  const others = all.filter((other) => other.id !== owner.id);
  let longest = own;
  let claimants: ShapeOwner[] = [];
  for (const other of others) {
    const match = longestMatch(clearKey, other.key.prefixes);
    if (match === null || match.length < (longest?.length ?? 0) || match === own) continue;
    claimants = match.length === longest?.length ? [...claimants, other] : [other];
    longest = match;
  }
  const [claimant, second] = claimants;
  if (claimant && !second) {
    return refused('other_provider', `This looks like a key of ${claimant.name} (${longest}…).`, claimant.id);
  }
  const expected = own !== null || owner.key.prefixes.length === 0;
  if (expected && clearKey.length < owner.key.min_length) {
    return refused(
      'cut_off',
      `This key looks cut off: ${clearKey.length} characters, ${owner.name}'s have ${owner.key.min_length} or more. Copy it again.`,
    );
  }
  return accepted(clearKey, trimmed, own === null ? null : owner.name);
}

function accepted(clearKey: Uint8Array, trimmed: boolean, recognisedAs: string | null): ShapeResult {
  const form =
    recognisedAs === null
      ? 'The form of this key cannot be checked here; the test will tell.'
      : `Looks like a key of ${recognisedAs}.`;
  const hint = trimmed ? `Quotes or line breaks around the key were removed. ${form}` : form;
  return { ok: true, clearKey, trimmed, recognised: recognisedAs !== null, hint };
}

function refused(problem: ShapeProblem, hint: string, provider: string | null = null): ShapeResult {
  return { ok: false, problem, provider, hint };
}

function longestMatch(clearKey: Uint8Array, prefixes: readonly string[]): string | null {
  let longest: string | null = null;
  for (const prefix of prefixes) {
    if (prefix.length > (longest?.length ?? 0) && startsWith(clearKey, prefix)) longest = prefix;
  }
  return longest;
}

function startsWith(bytes: Uint8Array, prefix: string): boolean {
  if (bytes.length < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[i] !== prefix.charCodeAt(i)) return false;
  return true;
}

/**
 * UTF-8 of what pasting adds around a key and keys never start or end with: byte order mark, no-break and zero-width spaces, word
 * joiner, typographic quotes.
 */
const AROUND: readonly (readonly number[])[] = [
  [0xc2, 0xa0],
  [0xef, 0xbb, 0xbf],
  [0xe2, 0x80, 0x8b],
  [0xe2, 0x80, 0x8e],
  [0xe2, 0x80, 0x8f],
  [0xe2, 0x81, 0xa0],
  [0xe2, 0x80, 0x98],
  [0xe2, 0x80, 0x99],
  [0xe2, 0x80, 0x9c],
  [0xe2, 0x80, 0x9d],
];

function trimKey(bytes: Uint8Array): Uint8Array {
  let start = 0;
  let end = bytes.length;
  for (let step = 1; step > 0 && start < end; start += step) step = droppable(bytes, start, end, false);
  for (let step = 1; step > 0 && start < end; end -= step) step = droppable(bytes, start, end, true);
  return bytes.subarray(Math.min(start, end), end);
}

/** How many bytes to drop at the start (or end) of bytes[start, end). */
function droppable(bytes: Uint8Array, start: number, end: number, atEnd: boolean): number {
  const edge = bytes[atEnd ? end - 1 : start] ?? 0;
  // Tab, line feed, form feed, carriage return, space, ", ', `. Other control characters are not paste noise: refused later.
  if ([0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20, 0x22, 0x27, 0x60].includes(edge)) return 1;
  for (const sequence of AROUND) {
    const from = atEnd ? end - sequence.length : start;
    if (from >= start && sequence.every((byte, i) => bytes[from + i] === byte && from + i < end))
      return sequence.length;
  }
  return 0;
}
