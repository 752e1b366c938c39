/**
 * The one function for every sink: log lines, error texts, provider messages, audit details, mail, spans. A last line of defence;
 * the first is that clear keys are never where texts are made. Encoded or split keys of unknown form are beyond it.
 */
import { LiveSecrets } from './live-secrets.ts';
import { scrubTree } from './scrub-value.ts';
import { REDACTED, scrubPositions } from './secret-positions.ts';
import { scrubShapes } from './secret-shapes.ts';

/** Longest text that is looked through; what is longer is cut first. */
export const SCRUB_CHARACTERS_MAX = 16_384;
/** A cut never leaves the first part of a token behind: the last run without a blank goes too, up to this length. */
const TOKEN_CHARACTERS_MAX = 4_096;

/** Never throws. Safe to share; one per process, made in its composition root. */
export interface Scrubber {
  /** Replaces everything that is known to be a secret by its form, its place or its fingerprint. Idempotent. */
  scrubText(text: string): string;
  /**
   * A plain, JSON-safe copy. Errors keep type, code, message, stack, cause and errors alone; bytes become `[bytes n]`; values of
   * secret names are dropped, also in raw header lists; depth, width and size are bounded.
   */
  scrubValue(value: unknown): unknown;
  /**
   * Also finds this key, by fingerprint, until the returned function is called. Nothing of it is kept in clear. Use it for keys in
   * use, above all those without a known form.
   */
  watch(clearKey: Uint8Array): () => void;
}

export function createScrubber(): Scrubber {
  const live = new LiveSecrets();
  const scrubText = (text: string): string => scrubPositions(scrubShapes(live.scrub(cut(text), REDACTED)));
  return {
    scrubText,
    scrubValue: (value) => scrubTree(value, scrubText),
    watch: (clearKey) => live.watch(clearKey),
  };
}

function cut(text: string): string {
  if (text.length <= SCRUB_CHARACTERS_MAX) return text;
  let end = SCRUB_CHARACTERS_MAX;
  const floor = end - TOKEN_CHARACTERS_MAX;
  while (end > floor && !/\s/.test(text.charAt(end - 1))) end--;
  return `${text.slice(0, end)}… [${text.length - end} characters cut]`;
}
