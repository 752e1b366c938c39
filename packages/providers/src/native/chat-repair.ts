import type { Quirks } from '@ownkey/contract/provider';
import { readContentParts } from '../dialects/openai-chat/content-parts.ts';
import { defined, isJson, type Json, jsonOf, jsonsOf, textOf } from '../json.ts';
import { ToolIndexer } from '../tool-index.ts';

const FINISH = /"finish_reason"\s*:\s*"/;
const PARTS = /"content"\s*:\s*\[/;

/** Whether answers of this provider have to be looked at piece by piece. */
export function repairNeeded(quirks: Quirks): boolean {
  return Boolean(quirks.repair_tool_calls || quirks.repair_finish_reason || quirks.content_parts);
}

/**
 * Repairs of chat answers that official clients would misread, as the quirks declare: tool calls without index or id, a finish
 * reason "stop" on every chunk or beside tool calls, content as a list of parts. One object per answer.
 */
export class ChatRepair {
  readonly #quirks: Quirks;
  readonly #tools = new ToolIndexer();
  #finish: { reason: string; envelope: Json } | null = null;

  constructor(quirks: Quirks) {
    this.#quirks = quirks;
  }

  /** Whether the text of events has anything to repair; without parsing it. */
  concerns(text: string): boolean {
    const { repair_tool_calls, repair_finish_reason, content_parts } = this.#quirks;
    return Boolean(
      (repair_tool_calls && text.includes('"tool_calls"')) ||
        (repair_finish_reason && FINISH.test(text)) ||
        (content_parts && PARTS.test(text)),
    );
  }

  /** A chunk of a stream as it should be. */
  chunk(chunk: Json): Json {
    if (!Array.isArray(chunk.choices)) return chunk;
    const choices = chunk.choices.map((choice: unknown) => {
      if (!isJson(choice)) return choice;
      const delta = this.#message(jsonOf(choice.delta), (call) => this.#piece(call));
      if (!this.#quirks.repair_finish_reason || (choice.index ?? 0) !== 0) return { ...choice, delta };
      if (typeof choice.finish_reason !== 'string') return { ...choice, delta };
      const { choices: _, usage: __, ...envelope } = chunk;
      this.#finish = { reason: choice.finish_reason, envelope };
      return { ...choice, delta, finish_reason: null };
    });
    return { ...chunk, choices };
  }

  /** The chunk with the finish reason that was held back, once; null when there is none. */
  finish(): Json | null {
    if (this.#finish === null) return null;
    const { reason, envelope } = this.#finish;
    this.#finish = null;
    return { ...envelope, choices: [{ index: 0, delta: {}, finish_reason: this.#reason(reason) }] };
  }

  /** A whole answer as it should be. */
  answer(answer: Json): Json {
    if (!Array.isArray(answer.choices)) return answer;
    const choices = answer.choices.map((choice: unknown) => {
      if (!isJson(choice)) return choice;
      const message = this.#message(jsonOf(choice.message), (call) => this.#whole(call));
      const reason = choice.finish_reason;
      return { ...choice, message, finish_reason: typeof reason === 'string' ? this.#reason(reason) : reason };
    });
    return { ...answer, choices };
  }

  #reason(reason: string): string {
    return this.#quirks.repair_finish_reason && reason === 'stop' && this.#tools.size > 0 ? 'tool_calls' : reason;
  }

  #message(message: Json, repairCall: (call: Json) => Json): Json {
    let repaired = message;
    if (this.#quirks.content_parts && Array.isArray(message.content)) {
      const { text, reasoning } = readContentParts(message.content);
      repaired = { ...message, content: text, ...defined({ reasoning_content: reasoning || undefined }) };
    }
    const calls = message.tool_calls;
    if (!Array.isArray(calls) || !(this.#quirks.repair_tool_calls || this.#quirks.repair_finish_reason))
      return repaired;
    return { ...repaired, tool_calls: jsonsOf(calls).map(repairCall) };
  }

  #piece(piece: Json): Json {
    const { call, isNew } = this.#tools.resolve(piece);
    if (!this.#quirks.repair_tool_calls) return piece;
    return { ...piece, index: call.index, ...(isNew ? { id: call.id, type: 'function' } : {}) };
  }

  #whole(whole: Json): Json {
    const { index: _, ...rest } = whole;
    const { call } = this.#tools.resolve(rest);
    const known = jsonOf(whole.function);
    const fn = { ...known, arguments: textOf(known.arguments) || '{}' };
    return this.#quirks.repair_tool_calls ? { ...whole, id: call.id, type: 'function', function: fn } : whole;
  }
}
