import type { NeutralEvent } from '@ownkey/contract/neutral';
import type { CatalogueEntry } from '@ownkey/contract/provider';
import type { Usage } from '@ownkey/contract/usage';
import { classifyFailure } from '../../failure.ts';
import { isJson, type Json, jsonOf, jsonsOf, numberOrNull, parseJson, textOf } from '../../json.ts';
import type { SseEvent } from '../../sse.ts';
import { cutEvent } from '../../translate/cut.ts';
import { MalformedAnswer } from '../../translate/malformed.ts';
import { OpenBlock } from '../../translate/open-block.ts';
import type { StreamReader } from '../../translate/stream-dialect.ts';
import { readContentParts } from './content-parts.ts';
import { readChatUsage } from './read-usage.ts';
import { readFinish } from './stop.ts';
import { ToolStreams } from './tool-streams.ts';

/**
 * Reads a chat completions stream. Only the first choice is read. A finish reason is believed at the end alone (some providers send
 * one on every chunk); usage may come on any chunk, the last one counts.
 */
export class ChatStreamReader implements StreamReader {
  readonly #entry: CatalogueEntry;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #block = new OpenBlock();
  readonly #tools: ToolStreams;
  /** Text and thinking that came while a tool call was open and incomplete. */
  #late: { kind: 'text' | 'thinking'; text: string }[] = [];
  #hasPlainReasoning = false;
  #refused = false;
  #started = false;
  #over = false;
  #finish: string | null = null;
  #usage: Usage | null = null;

  constructor(entry: CatalogueEntry, headers: Readonly<Record<string, string>>) {
    this.#entry = entry;
    this.#headers = headers;
    this.#tools = new ToolStreams(this.#block, entry.quirks.tool_signature_filler !== undefined);
  }

  read({ event, data }: SseEvent): NeutralEvent[] {
    if (this.#over || data === '') return [];
    if (data === '[DONE]') return this.#finishAs(this.#finish ?? 'stop');
    const chunk = parseJson(data);
    if (!isJson(chunk)) throw new MalformedAnswer('The provider sent an event that is no JSON object.');
    return [...this.#chunk(chunk, event)];
  }

  end(): NeutralEvent[] {
    if (this.#over) return [];
    if (this.#finish !== null) return this.#finishAs(this.#finish);
    this.#over = true;
    return [cutEvent()];
  }

  *#chunk(chunk: Json, event: string): Generator<NeutralEvent> {
    this.#usage = readChatUsage(chunk.usage ?? jsonOf(chunk.x_groq).usage, this.#entry.quirks) ?? this.#usage;
    if (isJson(chunk.error) || typeof chunk.error === 'string' || event === 'error') {
      yield* this.#fail(chunk);
      return;
    }
    const choices = jsonsOf(chunk.choices);
    if (!this.#started && (choices.length > 0 || textOf(chunk.id) !== '')) {
      this.#started = true;
      const created = numberOrNull(chunk.created);
      const start = { id: textOf(chunk.id), model: textOf(chunk.model), ...(created === null ? {} : { created }) };
      yield { type: 'message-start', ...start };
    }
    const choice = choices.find((item) => (item.index ?? 0) === 0);
    if (!choice) return;
    if (typeof choice.finish_reason === 'string' && choice.finish_reason !== '') this.#finish = choice.finish_reason;
    yield* this.#delta(jsonOf(choice.delta));
  }

  *#delta(delta: Json): Generator<NeutralEvent> {
    const listed = Array.isArray(delta.content) ? readContentParts(delta.content) : null;
    const details = jsonsOf(delta.reasoning_details);
    const plain = textOf(delta.reasoning_content) || textOf(delta.reasoning) || (listed?.reasoning ?? '');
    // Text of details repeats the plain text; it counts only where there is no other.
    this.#hasPlainReasoning ||= plain !== '';
    const detailed = details.map((detail) => textOf(detail.text) || textOf(detail.summary)).join('');
    const reasoning = this.#hasPlainReasoning ? plain : detailed;
    if (reasoning) yield* this.#say('thinking', reasoning);
    for (const detail of details) yield* this.#signature(detail);
    const text = listed ? listed.text : textOf(delta.content);
    if (text) yield* this.#say('text', text);
    const refusal = textOf(delta.refusal);
    if (refusal && !this.#tools.isBusy) {
      this.#tools.closeOpen();
      yield* this.#block.close();
      this.#refused = true;
      yield { type: 'refusal-delta', text: refusal };
    }
    for (const piece of jsonsOf(delta.tool_calls)) yield* this.#tools.push(piece);
  }

  *#say(kind: 'text' | 'thinking', text: string): Generator<NeutralEvent> {
    if (this.#tools.isBusy || this.#late.length > 0) {
      const last = this.#late.at(-1);
      if (last?.kind === kind) last.text += text;
      else this.#late.push({ kind, text });
      return;
    }
    if (this.#block.kind === 'tool') this.#tools.closeOpen();
    yield* this.#block.ensure(kind);
    yield kind === 'text' ? { type: 'text-delta', text } : { type: 'thinking-delta', text };
  }

  /** Signatures that OpenRouter passes on from the model behind it. */
  *#signature(detail: Json): Generator<NeutralEvent> {
    const { format } = detail;
    if (format !== 'anthropic-claude-v1' && format !== 'openai-responses-v1') return;
    if (this.#tools.isBusy) return;
    const signature = textOf(detail.type === 'reasoning.encrypted' ? detail.data : detail.signature);
    if (signature === '') return;
    if (this.#block.kind === 'tool') this.#tools.closeOpen();
    if (detail.type === 'reasoning.encrypted' && format === 'anthropic-claude-v1') {
      yield* this.#block.close();
      yield { type: 'redacted-thinking', data: signature, format };
      return;
    }
    yield* this.#block.ensure('thinking');
    yield { type: 'thinking-signature', signature, format };
    // A signature ends its block: what follows is another one.
    yield* this.#block.close();
  }

  *#fail(chunk: Json): Generator<NeutralEvent> {
    this.#over = true;
    if (this.#usage && this.#started) yield { type: 'usage', usage: this.#usage, final: true };
    yield { type: 'error', failure: classifyFailure(this.#entry, 200, this.#headers, chunk) };
  }

  #finishAs(reason: string): NeutralEvent[] {
    this.#over = true;
    if (!this.#started) return [cutEvent()];
    const events: NeutralEvent[] = [...this.#tools.finish()];
    for (const { kind, text } of this.#late) {
      events.push(...this.#block.ensure(kind));
      events.push(kind === 'text' ? { type: 'text-delta', text } : { type: 'thinking-delta', text });
    }
    events.push(...this.#block.close());
    if (this.#usage) events.push({ type: 'usage', usage: this.#usage, final: true });
    events.push({ type: 'message-finish', stop: readFinish(reason, this.#tools.size > 0, this.#refused) });
    return events;
  }
}
