import type { NeutralEvent } from '@ownkey/contract/neutral';
import type { CatalogueEntry } from '@ownkey/contract/provider';
import type { Usage } from '@ownkey/contract/usage';
import { classifyFailure } from '../../failure.ts';
import { isJson, type Json, jsonOf, parseJson, textOf, textOrNull } from '../../json.ts';
import type { SseEvent } from '../../sse.ts';
import { cutEvent } from '../../translate/cut.ts';
import { MalformedAnswer } from '../../translate/malformed.ts';
import { OpenBlock } from '../../translate/open-block.ts';
import { unpackSignature } from '../../translate/signature.ts';
import type { StreamReader } from '../../translate/stream-dialect.ts';
import { readSigned } from './read-answer.ts';
import { readMessagesUsage } from './read-usage.ts';
import { readStop } from './stop.ts';

/**
 * Reads a Messages API stream: platform.claude.com/docs/en/build-with-claude/streaming. Events and blocks of unknown type are left
 * out, as that page asks of clients; so are blocks of tools the provider runs itself.
 */
export class MessagesStreamReader implements StreamReader {
  readonly #entry: CatalogueEntry;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #block = new OpenBlock();
  /** Signatures of tool calls that a gateway put into blocks of their own. */
  readonly #carried = new Map<string, string>();
  #isIgnored = false;
  #started = false;
  #over = false;
  #startUsage: unknown = null;
  #usage: Usage | null = null;
  #stop: string | null = null;
  #sequence: string | null = null;

  constructor(entry: CatalogueEntry, headers: Readonly<Record<string, string>>) {
    this.#entry = entry;
    this.#headers = headers;
  }

  read({ data }: SseEvent): NeutralEvent[] {
    if (this.#over || data === '') return [];
    const event = parseJson(data);
    if (!isJson(event)) throw new MalformedAnswer('The provider sent an event that is no JSON object.');
    return [...this.#event(event)];
  }

  end(): NeutralEvent[] {
    if (this.#over) return [];
    if (this.#stop !== null) return [...this.#finish()];
    this.#over = true;
    return [cutEvent()];
  }

  *#event(event: Json): Generator<NeutralEvent> {
    switch (event.type) {
      case 'message_start':
        yield* this.#start(jsonOf(event.message));
        break;
      case 'content_block_start':
        yield* this.#blockStart(jsonOf(event.content_block));
        break;
      case 'content_block_delta':
        if (!this.#isIgnored) yield* this.#delta(jsonOf(event.delta));
        break;
      case 'content_block_stop':
        this.#isIgnored = false;
        yield* this.#block.close();
        break;
      case 'message_delta': {
        const delta = jsonOf(event.delta);
        this.#stop = textOrNull(delta.stop_reason) ?? this.#stop;
        this.#sequence = textOrNull(delta.stop_sequence) ?? this.#sequence;
        this.#usage = readMessagesUsage(event.usage, this.#startUsage) ?? this.#usage;
        break;
      }
      case 'message_stop':
        yield* this.#finish();
        break;
      case 'error':
        this.#over = true;
        yield { type: 'error', failure: classifyFailure(this.#entry, 200, this.#headers, event) };
        break;
      case 'ping':
        yield { type: 'ping' };
        break;
    }
  }

  *#start(message: Json): Generator<NeutralEvent> {
    if (this.#started) throw new MalformedAnswer('The provider began its answer twice.');
    this.#started = true;
    this.#startUsage = message.usage;
    this.#usage = readMessagesUsage(message.usage);
    yield { type: 'message-start', id: textOf(message.id), model: textOf(message.model) };
    if (this.#usage) yield { type: 'usage', usage: this.#usage, final: false };
  }

  *#blockStart(block: Json): Generator<NeutralEvent> {
    if (!this.#started) throw new MalformedAnswer('The provider sent content before the start of its answer.');
    yield* this.#block.close();
    this.#isIgnored = false;
    switch (block.type) {
      case 'text':
        yield* this.#block.start({ type: 'text-start' });
        if (textOf(block.text)) yield { type: 'text-delta', text: textOf(block.text) };
        break;
      case 'thinking':
        yield* this.#block.start({ type: 'thinking-start' });
        if (textOf(block.thinking)) yield { type: 'thinking-delta', text: textOf(block.thinking) };
        yield* signatureEvents(textOf(block.signature));
        break;
      case 'redacted_thinking': {
        this.#isIgnored = true;
        const { format, id, signature } = unpackSignature(textOf(block.data), 'anthropic-claude-v1');
        if (format === 'google-gemini-v1') this.#carried.set(id, signature);
        else yield { type: 'redacted-thinking', data: signature, format };
        break;
      }
      case 'tool_use': {
        const id = textOf(block.id);
        const signature = this.#carried.get(id);
        const signed = signature === undefined ? {} : { signature };
        yield* this.#block.start({ type: 'tool-start', id, name: textOf(block.name), ...signed });
        const input = jsonOf(block.input);
        if (Object.keys(input).length > 0) yield { type: 'tool-delta', arguments: JSON.stringify(input) };
        break;
      }
      default:
        this.#isIgnored = true;
    }
  }

  *#delta(delta: Json): Generator<NeutralEvent> {
    const { kind } = this.#block;
    if (delta.type === 'text_delta' && kind === 'text') yield { type: 'text-delta', text: textOf(delta.text) };
    else if (delta.type === 'thinking_delta' && kind === 'thinking') {
      yield { type: 'thinking-delta', text: textOf(delta.thinking) };
    } else if (delta.type === 'signature_delta' && kind === 'thinking') yield* signatureEvents(textOf(delta.signature));
    else if (delta.type === 'input_json_delta' && kind === 'tool') {
      const text = textOf(delta.partial_json);
      if (text !== '') yield { type: 'tool-delta', arguments: text };
    }
  }

  *#finish(): Generator<NeutralEvent> {
    this.#over = true;
    yield* this.#block.close();
    if (!this.#started) {
      yield cutEvent();
      return;
    }
    if (this.#usage) yield { type: 'usage', usage: this.#usage, final: true };
    const sequence = this.#sequence === null ? {} : { stopSequence: this.#sequence };
    yield { type: 'message-finish', stop: readStop(this.#stop ?? 'end_turn'), ...sequence };
  }
}

function* signatureEvents(written: string): Generator<NeutralEvent> {
  const { signature, format } = readSigned(written === '' ? null : written);
  if (signature !== undefined && format !== undefined) yield { type: 'thinking-signature', signature, format };
}
