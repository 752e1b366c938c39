import { type AnswerReader, AnswerTooLarge, type CallerHead, type ProviderFailure } from '@ownkey/contract/dialect';
import type { NeutralEvent } from '@ownkey/contract/neutral';
import type { CatalogueEntry, Wire } from '@ownkey/contract/provider';
import type { Usage, UsageBasis } from '@ownkey/contract/usage';
import { callerHead, isEventStream, isPacked } from '../answer-head.ts';
import { ByteStore } from '../byte-store.ts';
import { ErrorBody } from '../error-body.ts';
import { classifyFailure, unreadable } from '../failure.ts';
import { isJson, parseJson } from '../json.ts';
import { type SseEvent, SseParser } from '../sse.ts';
import { writeError } from '../write-error.ts';
import { answerEvents } from './answer-events.ts';
import { OrderCheck } from './check-order.ts';
import { AnswerCollector } from './collect-answer.ts';
import { type AnswerContext, DIALECTS } from './dialects.ts';
import { MalformedAnswer } from './malformed.ts';
import type { StreamReader, StreamWriter } from './stream-dialect.ts';

export interface TranslatedReaderOptions {
  callerWire: Wire;
  wire: Wire;
  entry: CatalogueEntry;
  /** The caller asked for a stream. */
  stream: boolean;
  answerBytesMax: number;
  context: AnswerContext;
}

type Headers = Readonly<Record<string, string>>;

/** Reads an answer of one wire and writes it in another. One object per answer. */
export class TranslatedReader implements AnswerReader {
  readonly #options: TranslatedReaderOptions;
  #headers: Headers = {};
  #error: ErrorBody | null = null;
  #sse: { parser: SseParser; reader: StreamReader } | null = null;
  readonly #store = new ByteStore();
  #bytes = 0;
  #writer: StreamWriter | null = null;
  readonly #collector = new AnswerCollector();
  readonly #order = new OrderCheck();
  #usage: Usage | null = null;
  #usageIsFinal = false;
  #generated = 0;
  #failure: ProviderFailure | null = null;
  #started = false;

  constructor(options: TranslatedReaderOptions) {
    this.#options = options;
  }

  head(status: number, headers: Headers): CallerHead {
    const { callerWire, wire, entry, stream, context } = this.#options;
    this.#headers = headers;
    const packed = isPacked(headers);
    if (status >= 300 || status < 200 || packed) {
      this.#error = new ErrorBody(entry, status, headers, packed);
      return callerHead(status >= 400 ? status : 502, headers, 'application/json');
    }
    if (isEventStream(headers)) {
      this.#sse = { parser: new SseParser(), reader: DIALECTS[wire].streamReader(entry, headers) };
    }
    if (stream) this.#writer = DIALECTS[callerWire].streamWriter(context);
    return callerHead(status, headers, stream ? 'text/event-stream; charset=utf-8' : 'application/json');
  }

  push(chunk: Buffer): Buffer | null {
    this.#bytes += chunk.length;
    if (this.#error) {
      this.#error.push(chunk);
      return null;
    }
    if (this.#bytes > this.#options.answerBytesMax) throw new AnswerTooLarge(this.#options.answerBytesMax);
    if (this.#failure) return null;
    if (!this.#sse) {
      this.#store.push(chunk);
      return null;
    }
    const { parser } = this.#sse;
    return this.#take(parser.push(chunk), false);
  }

  end(): Buffer | null {
    if (this.#error) return this.#fail(this.#error.failure());
    if (this.#failure) return null;
    if (this.#sse) return this.#take(this.#sse.parser.end(), true);
    return this.#whole();
  }

  cut(reason: { code: string; message: string }): Buffer | null {
    if (!this.#writer || this.#failure || this.#collector.finished) return null;
    const failure: ProviderFailure = {
      kind: 'outage',
      status: 502,
      type: null,
      code: reason.code,
      message: reason.message,
      requestId: null,
      retryAfterMs: null,
    };
    return this.#out(this.#writer.write({ type: 'error', failure }));
  }

  failure(): ProviderFailure | null {
    return this.#failure;
  }

  usage(): { usage: Usage; basis: UsageBasis; partial: boolean } | null {
    return this.#usage && { usage: this.#usage, basis: 'reported', partial: !this.#usageIsFinal };
  }

  generatedCharacters(): number {
    return this.#generated;
  }

  started(): boolean {
    return this.#started;
  }

  /** Events of the provider's stream, on to the caller's stream or, unasked for, into one answer. */
  #take(events: SseEvent[], isEnd: boolean): Buffer | null {
    const reader = this.#sse?.reader;
    let text = '';
    try {
      // What stands behind the last whole line is half an event: it counts only where it can be read.
      const whole = isEnd ? events.filter(({ data }) => data === '[DONE]' || isJson(parseJson(data))) : events;
      for (const event of whole) for (const neutral of reader?.read(event) ?? []) text += this.#event(neutral);
      if (isEnd) for (const neutral of reader?.end() ?? []) text += this.#event(neutral);
    } catch (error) {
      if (!(error instanceof MalformedAnswer)) throw error;
      text += this.#event({ type: 'error', failure: unreadable(error.message, this.#headers) });
    }
    if (this.#writer) return this.#out(text);
    if (this.#failure) return isEnd ? this.#fail(this.#failure) : null;
    return isEnd ? this.#write() : null;
  }

  #event(event: NeutralEvent): string {
    if (this.#failure) return '';
    this.#order.check(event);
    if (event.type === 'usage') {
      this.#usage = event.usage;
      this.#usageIsFinal = event.final;
    } else if (event.type === 'error') this.#failure = event.failure;
    else if (event.type === 'text-delta' || event.type === 'thinking-delta') this.#generated += event.text.length;
    else if (event.type === 'tool-delta') this.#generated += event.arguments.length;
    else if (event.type === 'message-finish') this.#collector.add(event);
    if (this.#writer) return this.#writer.write(event);
    if (event.type !== 'message-finish') this.#collector.add(event);
    return '';
  }

  #whole(): Buffer | null {
    const { entry, wire } = this.#options;
    const value = parseJson(this.#store.take().toString());
    if (!isJson(value))
      return this.#fail(unreadable('The provider sent an answer that cannot be read.', this.#headers));
    if (isJson(value.error) || typeof value.error === 'string') {
      return this.#fail(classifyFailure(entry, 200, this.#headers, value));
    }
    const answer = DIALECTS[wire].readAnswer(value, entry);
    if (!answer) return this.#fail(unreadable('The provider sent an answer of an unknown form.', this.#headers));
    if (!this.#writer) {
      for (const event of answerEvents(answer)) this.#event(event);
      return this.#write();
    }
    let text = '';
    for (const event of answerEvents(answer)) text += this.#event(event);
    return this.#out(text);
  }

  #write(): Buffer | null {
    const { callerWire, context } = this.#options;
    try {
      const body = DIALECTS[callerWire].buildAnswer(this.#collector.answer(), context);
      return this.#out(JSON.stringify(body));
    } catch (error) {
      if (!(error instanceof MalformedAnswer)) throw error;
      return this.#fail(unreadable(error.message, this.#headers));
    }
  }

  #fail(failure: ProviderFailure): Buffer | null {
    this.#failure = failure;
    if (this.#writer && !this.#error) return this.#out(this.#writer.write({ type: 'error', failure }));
    return this.#out(writeError(this.#options.callerWire, failure).toString());
  }

  #out(text: string): Buffer | null {
    if (text === '') return null;
    this.#started = true;
    return Buffer.from(text);
  }
}
