/** What a simulated provider answers, as data of our own writing: `scenarios/<name>.json`. The name is the file's name. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkFields, DataFileError, numberOf, objectOf, parseJson, stringsOf, textOf } from './json.ts';
import { ERROR_KINDS, type ErrorKind } from './profile.ts';

export const HOSTILE_KINDS = [
  'absurd_usage',
  'bad_tool_arguments',
  'cut',
  'duplicate_ids',
  'echo_key',
  'empty_body',
  'endless_stream',
  'error_in_stream',
  'extra_response',
  'gzip',
  'half_json',
  'header_bomb',
  'html',
  'huge_body',
  'huge_line',
  'missing_end',
  'no_usage',
  'refuse_stream_options',
  'same_index',
  'two_starts',
  'unknown_events',
] as const;
export type HostileKind = (typeof HOSTILE_KINDS)[number];

export interface Scenario {
  name: string;
  title: string;
  /** What happens, in one or two sentences, for the sandbox's page. */
  what: string;
  /** Pages of the providers' references that describe the behaviour. */
  follows: string[];
  /** Regular expression over the last user message, besides `sandbox:<name>`. */
  when: RegExp | null;
  /** `when` counts only if the request offers tools. */
  whenTools: boolean;
  thinking: string;
  /** Thinks although neither model nor request asks for it. */
  forceThinking: boolean;
  text: string;
  /** How often `text` is said. */
  repeat: number;
  tools: 'none' | 'one' | 'all';
  /** Said once the tools have answered; `{results}` is replaced by their answers. */
  afterTools: string;
  refusal: string | null;
  /** Shares of the input that are read from, and written to, the provider's cache. */
  cache: { read: number; write: number };
  error: { kind: ErrorKind; retryAfter: number | null; message: string } | null;
  hostile: HostileKind | null;
}

/** Reads every scenario of a folder, strictly. Throws DataFileError. */
export function loadScenarios(directory: string): Map<string, Scenario> {
  const scenarios = new Map<string, Scenario>();
  for (const file of readdirSync(directory).sort()) {
    if (!file.endsWith('.json')) continue;
    const name = file.slice(0, -'.json'.length);
    scenarios.set(name, readScenario(name, readFileSync(join(directory, file), 'utf8')));
  }
  if (!scenarios.has(DEFAULT_SCENARIO)) throw new DataFileError(directory, `there is no ${DEFAULT_SCENARIO}.json`);
  return scenarios;
}

/** What is answered when nothing else is asked for. */
export const DEFAULT_SCENARIO = 'text';

/** Throws DataFileError. */
export function readScenario(name: string, file: string): Scenario {
  const where = `${name}.json`;
  const data = checkFields(
    parseJson(file),
    {
      title: 'string',
      what: 'string',
      follows: 'strings',
      'when?': 'string',
      'when_tools?': 'boolean',
      'thinking?': 'string',
      'force_thinking?': 'boolean',
      'text?': 'string',
      'repeat?': 'number',
      'tools?': ['none', 'one', 'all'],
      'after_tools?': 'string',
      'refusal?': 'string',
      'cache?': 'object',
      'error?': 'object',
      'hostile?': HOSTILE_KINDS,
    },
    where,
  );
  const follows = stringsOf(data.follows);
  if (follows.length === 0 || follows.some((link) => !link.startsWith('https://')))
    throw new DataFileError(where, '"follows" has to name at least one https page');
  const cache = objectOf(data.cache && checkFields(data.cache, { 'read?': 'number', 'write?': 'number' }, where));
  const error =
    data.error && checkFields(data.error, { kind: ERROR_KINDS, 'retry_after?': 'number', 'message?': 'string' }, where);
  const errorKind = error ? ERROR_KINDS.find((kind) => kind === error.kind) : undefined;
  return {
    name,
    title: textOf(data.title),
    what: textOf(data.what),
    follows,
    when: data.when === undefined ? null : new RegExp(textOf(data.when), 'i'),
    whenTools: data.when_tools === true,
    thinking: textOf(data.thinking),
    forceThinking: data.force_thinking === true,
    text: textOf(data.text),
    repeat: numberOf(data.repeat) ?? 1,
    tools: data.tools === 'one' || data.tools === 'all' ? data.tools : 'none',
    afterTools: textOf(data.after_tools),
    refusal: typeof data.refusal === 'string' ? data.refusal : null,
    cache: { read: numberOf(cache.read) ?? 0, write: numberOf(cache.write) ?? 0 },
    error:
      error && errorKind
        ? { kind: errorKind, retryAfter: numberOf(error.retry_after), message: textOf(error.message) }
        : null,
    hostile: HOSTILE_KINDS.find((kind) => kind === data.hostile) ?? null,
  };
}

/** `sandbox:<name>` in a message, or a model called `sandbox-<name>`. */
const NAMED = /\bsandbox:([a-z0-9-]+)/;
const MODEL = /^sandbox-([a-z0-9-]+)$/;

/** Name of the scenario that a model name stands for, or null. */
export function scenarioOfModel(model: string, scenarios: ReadonlyMap<string, Scenario>): Scenario | null {
  const name = MODEL.exec(model)?.[1];
  return (name === undefined ? undefined : scenarios.get(name)) ?? null;
}

/** Chooses what to answer: the model's name first, then `sandbox:<name>` in the last user message, then its words. */
export function chooseScenario(
  ask: { model: string; lastUserText: string; hasTools: boolean; mustCall: boolean },
  scenarios: ReadonlyMap<string, Scenario>,
): Scenario {
  const byModel = scenarioOfModel(ask.model, scenarios);
  if (byModel) return byModel;
  const named = scenarios.get(NAMED.exec(ask.lastUserText)?.[1] ?? '');
  if (named) return named;
  for (const scenario of scenarios.values()) {
    if (scenario.when?.test(ask.lastUserText) && (ask.hasTools || !scenario.whenTools)) return scenario;
  }
  const fallback = scenarios.get(ask.mustCall ? 'tools' : DEFAULT_SCENARIO) ?? scenarios.get(DEFAULT_SCENARIO);
  if (!fallback) throw new DataFileError(`${DEFAULT_SCENARIO}.json`, 'is missing');
  return fallback;
}
