// Counts tokens in a thread of its own (see src/domain/estimate/token-counter.ts). Plain JavaScript: a thread has no compiler.
import { parentPort } from 'node:worker_threads';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';

/** The time a tokenizer takes grows with the square of a run of one letter: 100,000 spaces in one piece take 8 s. */
const PIECE_CHARACTERS = 512;
/** Texts may hold `<|endoftext|>`: text like any other. */
const AS_TEXT = { disallowedSpecial: new Set() };

/** Tokens of all texts, or null when the time is over. */
function countWithin(texts, limitMs) {
  const end = performance.now() + limitMs;
  const known = { piece: '', tokens: 0 };
  let tokens = 0;
  for (const text of texts) {
    for (let from = 0; from < text.length; ) {
      if (performance.now() >= end) return null;
      const to = endOfPiece(text, from);
      const piece = text.slice(from, to);
      if (piece !== known.piece) {
        known.piece = piece;
        known.tokens = countTokens(piece, AS_TEXT);
      }
      tokens += known.tokens;
      from = to;
    }
  }
  return tokens;
}

/** Never between the two halves of a character. */
function endOfPiece(text, from) {
  const to = Math.min(text.length, from + PIECE_CHARACTERS);
  const last = text.charCodeAt(to - 1);
  return to < text.length && last >= 0xd800 && last <= 0xdbff ? to - 1 : to;
}

parentPort.on('message', ({ id, texts, limitMs }) => {
  let tokens = null;
  try {
    tokens = countWithin(texts, limitMs);
  } catch {
    // What cannot be counted is reckoned from its length.
  }
  // A thread is no window: there is no origin to name.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort.postMessage({ id, tokens });
});
