import type { Quirks } from '@ownkey/contract/provider';
import { code } from './markdown.ts';

type Values = Required<Quirks>;
type Words = { [Name in keyof Values]: (value: Values[Name]) => string };

const TOKEN_LIMIT = {
  max_tokens: 'The length of an answer is bounded by `max_tokens`; `max_completion_tokens` is renamed.',
  max_completion_tokens: 'The length of an answer is bounded by `max_completion_tokens`; `max_tokens` is renamed.',
  both: 'Takes `max_tokens` and `max_completion_tokens`.',
} as const;

const STREAM_USAGE = {
  yes: 'Reports usage in streams when asked; Ownkey asks, and hides the report from callers who did not.',
  always: 'Always reports usage in streams.',
  refused: 'Refuses to report usage in streams; what was generated is counted.',
} as const;

/** What each flag of the catalogue means, for readers of the documentation. A new flag does not compile without words. */
const WORDS: Words = {
  token_limit_field: (value) => TOKEN_LIMIT[value],
  reasoning_models: (value) =>
    `Reasoning models, which refuse \`max_tokens\` and sampling parameters: ${patterns(value)}.`,
  stream_usage: (value) => STREAM_USAGE[value],
  reports_cost: () => 'Says in its usage what it charged: that is the cost of a call, whatever the price list says.',
  reasoning_on_top: () => 'Reports reasoning tokens beside the output tokens, not among them; Ownkey adds them up.',
  reasoning_field: (value) => `Sends reasoning text in ${code(value)}.`,
  content_parts: () => 'May answer with a list of parts (thinking, text) where others send text.',
  repair_tool_calls: () => 'May leave out `index` or `id` of tool calls in streams; they are filled in.',
  repair_finish_reason: () => 'May end with `stop` although tools were called; `tool_calls` is put in its place.',
  no_developer_role: () => 'Knows no `developer` role; such messages go as `system`.',
  rejected_key: (value) => `Says “key rejected” with ${answers(value)}.`,
  no_credit: (value) => `Says “no credit” with ${answers(value)}.`,
  restricted_key: (value) => `Says “not permitted for this key” with ${answers(value)}.`,
  headers: (value) =>
    `Every request carries ${Object.entries(value)
      .map(([name, text]) => code(`${name}: ${text}`))
      .join(', ')}.`,
  renamed_fields: (value) =>
    `Other names of fields: ${Object.entries(value)
      .map(([from, to]) => `${code(from)} is sent as ${code(to)}`)
      .join(', ')}.`,
  adaptive_thinking: (value) => `Models that think with an effort instead of a token budget: ${patterns(value)}.`,
  effort_models: (value) =>
    value.includes('')
      ? 'Takes `reasoning_effort` for every model.'
      : `Models that take \`reasoning_effort\`: ${patterns(value)}.`,
  reasoning_details: () => 'Thinking with its signatures travels in `reasoning_details`.',
  cache_control: () => 'Understands `cache_control` inside messages.',
  tool_signature_filler: () =>
    'A tool call that comes back without the signature it left with gets a filler the provider accepts.',
};

/** One sentence for each flag that is set, in the order of the table above. */
export function quirkSentences(quirks: Partial<Values>): string[] {
  return quirkNames().flatMap((name) => sentenceOf(name, quirks) ?? []);
}

function sentenceOf<Name extends keyof Values>(name: Name, quirks: Partial<Values>): string | null {
  const value = quirks[name];
  if (value === undefined || value === false) return null;
  const say: Words[Name] = WORDS[name];
  return say(value);
}

function quirkNames(): (keyof Values)[] {
  return Object.keys(WORDS).filter((name): name is keyof Values => Object.hasOwn(WORDS, name));
}

function patterns(list: readonly string[]): string {
  return list.map((pattern) => code(pattern)).join(', ');
}

function answers(list: readonly { status: number; pattern: string }[]): string {
  return list.map(({ status, pattern }) => `${status} and a body like ${code(pattern)}`).join(', or ');
}
