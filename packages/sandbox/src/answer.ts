/** Composes what a simulated model says: pure, and the same on every wire. */
import type { Usage } from '@ownkey/contract/usage';
import type { Ask } from './ask.ts';
import { makeSignature } from './ask-messages.ts';
import type { Mint } from './mint.ts';
import type { Profile, SandboxModel } from './profile.ts';
import { sampleOf } from './sample.ts';
import type { Scenario } from './scenario.ts';
import { cutToTokens, tokensOf } from './tokens.ts';

export interface ToolCall {
  id: string;
  name: string;
  arguments: string;
  signature: string | null;
}

export type Finish = 'stop' | 'length' | 'tool_calls' | 'refusal' | 'stop_sequence';

export interface Answer {
  thinking: string;
  text: string;
  refusal: string | null;
  toolCalls: ToolCall[];
  finish: Finish;
  stopSequence: string | null;
  /** Normal form of contract/usage.ts: reasoning inside output, cache inside input. */
  usage: Usage;
}

/** Throws nothing; an answer is always possible. */
export function composeAnswer(ask: Ask, scenario: Scenario, model: SandboxModel, profile: Profile, mint: Mint): Answer {
  const thinks = model.reasoning || ask.thinkingAsked || scenario.forceThinking;
  const calls = ask.toolResults.length > 0 ? [] : callsOf(ask, scenario, model, profile, mint);
  const full = { ...sayings(ask, scenario, calls), thinking: thinks ? scenario.thinking : '' };
  const limited = limit(full.thinking, full.text, calls, ask.maxTokens);
  const stop = cutAtStop(limited.text, ask.stop);
  const reasoning = tokensOf(limited.thinking);
  const output =
    reasoning +
    tokensOf(stop.text) +
    tokensOf(full.refusal ?? '') +
    limited.calls.reduce((sum, call) => sum + tokensOf(call.name + call.arguments), 0);
  return {
    thinking: limited.thinking,
    text: stop.text,
    refusal: full.refusal,
    toolCalls: limited.calls,
    finish: finishOf(full.refusal, stop.sequence, limited),
    stopSequence: stop.sequence,
    usage: usageOf(ask, scenario, output, reasoning),
  };
}

function sayings(ask: Ask, scenario: Scenario, calls: ToolCall[]): { text: string; refusal: string | null } {
  if (scenario.refusal !== null) return { text: '', refusal: scenario.refusal };
  if (ask.toolResults.length > 0) {
    const template = scenario.afterTools || 'The tools answered: {results}';
    return { text: template.replace('{results}', ask.toolResults.join('; ')), refusal: null };
  }
  if (calls.length > 0) return { text: scenario.tools === 'none' ? '' : scenario.text, refusal: null };
  if (ask.answerSchema !== null) return { text: JSON.stringify(sampleOf(ask.answerSchema)), refusal: null };
  return { text: scenario.text.repeat(scenario.repeat), refusal: null };
}

function callsOf(ask: Ask, scenario: Scenario, model: SandboxModel, profile: Profile, mint: Mint): ToolCall[] {
  if (!profile.tools || ask.tools.length === 0 || (scenario.tools === 'none' && !ask.mustCall)) return [];
  const named = ask.tools.filter((tool) => tool.name === ask.namedTool);
  const mentioned = ask.tools.filter((tool) => ask.lastUserText.includes(tool.name));
  const first = [...named, ...mentioned, ...ask.tools].slice(0, 1);
  const several = ask.tools.length > 1 ? ask.tools : [...first, ...first];
  const chosen = scenario.tools === 'all' ? several : first;
  return chosen.map((tool, at) => ({
    id: fillId(profile.ids.call, mint, at),
    name: tool.name,
    arguments: JSON.stringify(sampleOf(tool.schema, tool === chosen[at - 1] ? at : 0)),
    signature: model.signatures && at === 0 ? makeSignature(mint.text('alnum', 60)) : null,
  }));
}

/** Fills an id pattern such as `call_{alnum:24}`; `{position}` is the call's place among its siblings, two digits. */
export function fillId(pattern: string, mint: Mint, position = 0): string {
  return pattern
    .replace('{position}', String(position).padStart(2, '0'))
    .replace(/\{([a-z]+):(\d+)\}/g, (_match, kind: string, length: string) => mint.text(kind, Number(length)));
}

interface Limited {
  thinking: string;
  text: string;
  calls: ToolCall[];
  cut: boolean;
}

/** Keeps to the token limit: thinking first, then text, then whole tool calls. */
function limit(thinking: string, text: string, calls: ToolCall[], maxTokens: number | null): Limited {
  if (maxTokens === null) return { thinking, text, calls, cut: false };
  const keptThinking = cutToTokens(thinking, maxTokens);
  let left = maxTokens - tokensOf(keptThinking);
  const keptText = cutToTokens(text, left);
  left -= tokensOf(keptText);
  const keptCalls: ToolCall[] = [];
  for (const call of calls) {
    left -= tokensOf(call.name + call.arguments);
    if (left < 0) break;
    keptCalls.push(call);
  }
  const cut = keptThinking !== thinking || keptText !== text || keptCalls.length < calls.length;
  return { thinking: keptThinking, text: keptText, calls: keptCalls, cut };
}

function cutAtStop(text: string, stops: string[]): { text: string; sequence: string | null } {
  let end = text.length;
  let sequence: string | null = null;
  for (const stop of stops) {
    const at = stop === '' ? -1 : text.indexOf(stop);
    if (at >= 0 && at < end) {
      end = at;
      sequence = stop;
    }
  }
  return { text: text.slice(0, end), sequence };
}

function finishOf(refusal: string | null, sequence: string | null, limited: Limited): Finish {
  if (refusal !== null) return 'refusal';
  if (sequence !== null) return 'stop_sequence';
  if (limited.cut) return 'length';
  return limited.calls.length > 0 ? 'tool_calls' : 'stop';
}

function usageOf(ask: Ask, scenario: Scenario, output: number, reasoning: number): Usage {
  const cacheRead = Math.floor(ask.inputTokens * scenario.cache.read);
  const written = Math.min(Math.floor(ask.inputTokens * scenario.cache.write), ask.inputTokens - cacheRead);
  return {
    input: ask.inputTokens,
    cacheRead,
    cacheWrite5m: ask.hourCache ? 0 : written,
    cacheWrite1h: ask.hourCache ? written : 0,
    output,
    reasoning,
  };
}
