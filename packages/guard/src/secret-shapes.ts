/**
 * Secrets that are known by how they begin. Token forms, not providers: several providers share one, and some have none (those
 * are found by position and by fingerprint).
 */

interface SecretShape {
  readonly prefix: string;
  /** Fewest characters after the prefix. */
  readonly tailMin: number;
  /** Prefix is also found in plain words: the tail must have a digit or a capital early on. */
  readonly wordlike?: true;
}

/** Longer prefixes before the shorter ones they begin with. */
const SHAPES: readonly SecretShape[] = [
  { prefix: 'oky_', tailMin: 12 }, // our own tokens
  { prefix: 'sk-ant-', tailMin: 16 },
  { prefix: 'sk-or-', tailMin: 16 },
  { prefix: 'sk-proj-', tailMin: 16 },
  { prefix: 'sk-svcacct-', tailMin: 16 },
  { prefix: 'sk-admin-', tailMin: 16 },
  { prefix: 'sk-', tailMin: 12, wordlike: true },
  { prefix: 'AIza', tailMin: 12 },
  { prefix: 'AQ.', tailMin: 20, wordlike: true },
  { prefix: 'gsk_', tailMin: 16 },
  { prefix: 'xai-', tailMin: 16, wordlike: true },
  { prefix: 'nvapi-', tailMin: 16 },
  { prefix: 'tgp_v1_', tailMin: 16 },
  { prefix: 'hf_', tailMin: 16, wordlike: true },
  { prefix: 'fw_', tailMin: 16, wordlike: true },
  { prefix: 'pplx-', tailMin: 16, wordlike: true },
  { prefix: 'csk-', tailMin: 16, wordlike: true },
  { prefix: 'r8_', tailMin: 16, wordlike: true },
  { prefix: 'ghp_', tailMin: 20 },
  { prefix: 'github_pat_', tailMin: 20 },
  { prefix: 'xoxb-', tailMin: 16 },
  { prefix: 'AKIA', tailMin: 16 },
  { prefix: 'gAAAAA', tailMin: 40 }, // Fernet
];

const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const source = ({ prefix, tailMin, wordlike }: SecretShape) =>
  `${literal(prefix)}${wordlike ? '(?=[a-z_-]{0,40}[0-9A-Z])' : ''}[A-Za-z0-9_-]{${tailMin},}=*`;

/** Not in the middle of a word ("task-…" is no "sk-…"), but right after a percent escape ("%20sk-…"). */
const START = '(?:(?<![A-Za-z0-9_])|(?<=%[0-9A-Fa-f]{2}))';
const PATTERN = new RegExp(`${START}(?:${SHAPES.map(source).join('|')})`, 'g');
const PREFIXES = SHAPES.map(({ prefix }) => prefix);
const QUICK = new RegExp(PREFIXES.map(literal).join('|'));

/** Time is linear in the text: every part of the pattern is bounded or consumed. */
export function scrubShapes(text: string): string {
  if (!QUICK.test(text)) return text;
  return text.replace(PATTERN, (found) => `[${PREFIXES.find((prefix) => found.startsWith(prefix)) ?? ''}…redacted]`);
}
