import { isDeepStrictEqual } from 'node:util';

/** What did not hold in one case: one line each, empty when all did. Usable outside a test runner too. */
export class Findings {
  readonly lines: string[] = [];

  /** Both are the same value; fields that are undefined count as absent, made-up ids as equal. */
  same(what: string, actual: unknown, expected: unknown): void {
    const [got, wanted] = [plain(actual), plain(expected)];
    if (!isDeepStrictEqual(got, wanted)) this.lines.push(`${what}: ${short(got)} instead of ${short(wanted)}`);
  }

  holds(what: string, condition: boolean): void {
    if (!condition) this.lines.push(what);
  }
}

/** Ids of calls that a provider gave none: made up anew by every reading. */
const MADE_UP = /^call_[0-9a-f]{32}$/;

function plain(value: unknown): unknown {
  if (value === undefined) return undefined;
  return JSON.parse(JSON.stringify(value), (_, field) =>
    typeof field === 'string' && MADE_UP.test(field) ? 'made up' : field,
  );
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}
