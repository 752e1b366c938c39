import type { NeutralAnswer, NeutralPart } from '@ownkey/contract/neutral';
import type { Quirks } from '@ownkey/contract/provider';
import { type Json, jsonOf, jsonsOf, numberOrNull, textOf, textOrNull } from '../../json.ts';
import { ToolIndexer } from '../../tool-index.ts';
import { readContentParts } from './content-parts.ts';
import { readChatUsage } from './read-usage.ts';
import { readReasoning } from './reasoning.ts';
import { readFinish } from './stop.ts';

/** A chat completion in neutral form: its first choice. null where the value is no chat completion. */
export function readChatAnswer(body: Json, quirks: Quirks): NeutralAnswer | null {
  const choice = jsonsOf(body.choices)[0];
  if (!choice) return null;
  const message = jsonOf(choice.message);
  const parts: NeutralPart[] = readReasoning(message);
  if (Array.isArray(message.content)) {
    const { text, reasoning } = readContentParts(message.content);
    if (reasoning && parts.length === 0) parts.push({ type: 'thinking', text: reasoning });
    if (text) parts.push({ type: 'text', text });
  } else if (textOrNull(message.content) !== null) parts.push({ type: 'text', text: textOf(message.content) });
  if (textOrNull(message.refusal) !== null) parts.push({ type: 'refusal', text: textOf(message.refusal) });
  const calls = readCalls(message);
  parts.push(...calls);
  const created = numberOrNull(body.created);
  return {
    id: textOf(body.id),
    model: textOf(body.model),
    ...(created === null ? {} : { created }),
    parts,
    stop: readFinish(textOf(choice.finish_reason), calls.length > 0, textOrNull(message.refusal) !== null),
    usage: readChatUsage(body.usage ?? jsonOf(body.x_groq).usage, quirks),
  };
}

function readCalls(message: Json): NeutralPart[] {
  const indexer = new ToolIndexer();
  return jsonsOf(message.tool_calls).map((whole) => {
    // Whole calls stand in order; an index beside them may be wrong.
    const { call } = indexer.resolve({ ...whole, index: null });
    const signature = textOrNull(jsonOf(jsonOf(whole.extra_content).google).thought_signature);
    return {
      type: 'tool-call',
      id: call.id,
      name: call.name,
      arguments: textOf(jsonOf(whole.function).arguments) || '{}',
      ...(signature === null ? {} : { signature }),
    };
  });
}
