import type { Wire } from '@ownkey/contract/provider';
import { type Rule, SUPPORT } from '@ownkey/providers/support';
import type { ScenarioRow } from '../../tests/conformance/scenario-table.ts';
import { code, pageHead, table } from './markdown.ts';

const WIRES: readonly Wire[] = ['openai-chat', 'anthropic-messages', 'openai-responses'];
const WIRE_NAMES: Readonly<Record<Wire, string>> = {
  'openai-chat': 'Chat Completions',
  'anthropic-messages': 'Messages',
  'openai-responses': 'Responses',
};

const INTRO = [
  'What callers of the three APIs get from every provider of the catalogue, replayed through the simulated providers. “works” means: streamed and whole, whatever the pieces the answer comes in, its text, reasoning, tool calls (names, arguments, ids), end and usage are what the provider said; the streamed answer equals the whole one; and an answer that crossed into another API and back still means the same. Nothing is dropped silently: what cannot be said to a provider is refused with status 400, naming the field.',
  '',
  '`npm run conformance` replays all of it and writes this page; `npm run conformance -- --recordings DIR` replays a folder of recorded exchanges besides. Either fails when something does not work, and when something is refused that was not before.',
];

/** Rows of one kind that are shown as one line, with its words. */
const TOGETHER: Readonly<Partial<Record<ScenarioRow['feature']['kind'], string>>> = {
  error: 'Errors of the provider: status, kind, message and `retry-after` kept',
  broken: 'Broken answers: one error, or a proper end',
};

/** `docs/conformance.md`, from what the scenarios came to. */
export function conformancePage(rows: readonly ScenarioRow[]): string {
  const lines = pageHead('Conformance', 'the scenarios and `support.ts`', INTRO, 'npm run conformance');
  for (const caller of WIRES) lines.push(...callerSection(caller, ofCaller(rows, caller)));
  lines.push('## Fields across APIs', '', ...FIELDS_INTRO, '');
  for (const from of WIRES) lines.push(...fieldsSection(from));
  return `${lines.join('\n').trimEnd()}\n`;
}

function ofCaller(rows: readonly ScenarioRow[], caller: Wire): ScenarioRow[] {
  return rows.filter((row) => row.caller === caller && row.verdict.kind !== 'not-in-wire');
}

function callerSection(caller: Wire, rows: readonly ScenarioRow[]): string[] {
  const notes: string[] = [];
  const providers = [...new Map(rows.map(({ provider }) => [provider.id, provider.name]))];
  const lines = new Map<string, ScenarioRow[]>();
  for (const row of rows) {
    const title = TOGETHER[row.feature.kind] ?? row.feature.title;
    lines.set(title, [...(lines.get(title) ?? []), row]);
  }
  const cells = [...lines].map(([title, of]) => {
    const count = new Set(of.map(({ feature }) => feature.id)).size;
    return [
      count > 1 ? `${title} (${count} scenarios)` : title,
      ...providers.map(([id]) =>
        cellOf(
          of.filter(({ provider }) => provider.id === id),
          notes,
        ),
      ),
    ];
  });
  return [
    `## Callers of ${WIRE_NAMES[caller]}`,
    '',
    ...table(['', ...providers.map(([, name]) => name)], cells),
    '',
    '– the provider does not offer it.',
    '',
    ...notes.map((note, at) => `${at + 1}. ${note}`),
    ...(notes.length > 0 ? [''] : []),
  ];
}

function cellOf(rows: readonly ScenarioRow[], notes: string[]): string {
  const verdicts = rows.map(({ verdict }) => verdict);
  const failed = verdicts.find((verdict) => verdict.kind === 'failed');
  if (failed) return 'fails';
  const refused = verdicts.find((verdict) => verdict.kind === 'refused');
  if (refused?.kind === 'refused') {
    if (!notes.includes(refused.reason)) notes.push(refused.reason);
    return `refused (${notes.indexOf(refused.reason) + 1})`;
  }
  return verdicts.some(({ kind }) => kind === 'works') ? 'works' : '–';
}

const FIELDS_INTRO = [
  'A caller’s request goes to a provider of the same API as it is, unknown fields included. Where the provider speaks another API, this becomes of every field: “mapped”, it is said in the other API; “left out”, it has no counterpart and changes nothing about the answer; “refused”, it has none and would. A field in no table is refused. A name with dots is a part of the field before the first dot.',
];

function fieldsSection(from: Wire): string[] {
  const targets = WIRES.filter((wire) => wire !== from);
  const rows = Object.entries(SUPPORT[from]).map(([name, field]) => {
    const harmless = field.harmless !== undefined;
    return [code(name), ...targets.map((to) => ruleWords(field.to[to], harmless))];
  });
  const head = ['Field', ...targets.map((to) => `to a provider of ${WIRE_NAMES[to]}`)];
  return [`### Of ${WIRE_NAMES[from]}`, '', ...table(head, rows), ''];
}

const RULE_WORDS: Readonly<Record<Rule['kind'], string>> = {
  mapped: 'mapped',
  omitted: 'left out',
  refused: 'refused',
};

function ruleWords(rule: Rule | undefined, harmless: boolean): string {
  if (!rule) return 'refused: it has no counterpart';
  const kind = rule.kind === 'refused' && harmless ? 'refused unless it asks for the default' : RULE_WORDS[rule.kind];
  return rule.note === undefined ? kind : `${kind}: ${rule.note}`;
}
