import type { ProviderTarget, Wire } from './provider.ts';
import type { Usage, UsageBasis } from './usage.ts';

/** What is asked of a model: an answer, vectors of texts, or how many tokens a request has. */
export type Task = 'answer' | 'embeddings' | 'count-tokens';

/** What a caller asked for, as bytes and as far as routing had to read it. Keys are never part of it. */
export interface CallerRequest {
  wire: Wire;
  /** Absent = an answer. */
  task?: Task;
  /** The body exactly as received. */
  body: Buffer;
  /** Parsed body; present only when routing had to parse (the translator parses itself otherwise). */
  parsed?: Record<string, unknown>;
  /** Byte range of the top-level "model" string value including quotes, for splicing. */
  modelRange: { start: number; end: number } | null;
  stream: boolean;
  /** The model's name at the provider (prefix removed). */
  upstreamModel: string;
  /** The model's name as the caller wrote it; echoed back where the wire echoes a model after translation. */
  callerModel: string;
  /** Lower-case headers of the caller the dialect may forward (beta and version headers); never credentials. */
  headers: Readonly<Record<string, string>>;
}

/** The request to send. The worker adds authentication; `path` is below the target's base URL. */
export interface UpstreamRequest {
  method: 'GET' | 'POST';
  path: string;
  headers: Record<string, string>;
  body: Buffer;
}

/** What a provider's failure means for the key and for a retry; the message is not scrubbed yet. */
export interface ProviderFailure {
  kind:
    | 'key_rejected'
    | 'key_restricted'
    | 'no_credit'
    | 'rate_limited'
    | 'not_found'
    | 'bad_request'
    | 'too_large'
    | 'refused'
    | 'outage'
    | 'unreadable';
  status: number;
  /** The provider's own type and code, where it gave them. */
  type: string | null;
  code: string | null;
  /** The request field at fault, where the provider names it. */
  param?: string | null;
  message: string;
  requestId: string | null;
  retryAfterMs: number | null;
}

/** The answer's head as the caller gets it. */
export interface CallerHead {
  status: number;
  headers: Record<string, string>;
}

/**
 * Turns one provider answer into the caller's wire while reading usage on the way. Fed by the transport; holds no socket.
 * Order of calls: `head` once, then `push` for each chunk, then exactly one of `end` (provider finished), `cut` (connection
 * lost or time-out). Each returns the bytes to send to the caller now. For non-streaming answers nothing comes out before `end`
 * when the answer is translated. Memory is bounded: `push` throws AnswerTooLarge beyond the limit it was made with.
 */
export interface AnswerReader {
  head(status: number, headers: Readonly<Record<string, string>>): CallerHead;
  push(chunk: Buffer): Buffer | null;
  end(): Buffer | null;
  cut(reason: { code: string; message: string }): Buffer | null;
  /** Set when the provider answered with an error (status ≥ 400, or an error inside a 200 stream). */
  failure(): ProviderFailure | null;
  /** null until the provider reported anything; partial = the stream ended before its final usage. */
  usage(): { usage: Usage; basis: UsageBasis; partial: boolean } | null;
  /** Characters of text generated so far, for counting when usage is missing. */
  generatedCharacters(): number;
  /** Whether a byte of the answer has been handed out (after which no retry or fallback may happen). */
  started(): boolean;
}

/** One prepared call: what to send, and how to read what comes back. Pure; no network, no clock. */
export interface Exchange {
  request: UpstreamRequest;
  reader(): AnswerReader;
  /** Called when the provider refused a parameter we added: the same call without it, or null when there is none. */
  withoutAddedParameters(failure: ProviderFailure): Exchange | null;
}

/** Why a request cannot be expressed at the target; answered 400 in the caller's wire with `param`. */
export class UnsupportedFeature extends Error {
  readonly param: string;
  constructor(param: string, message: string) {
    super(message);
    this.name = 'UnsupportedFeature';
    this.param = param;
  }
}

/** The provider sent more than is accepted, in one line or in all; nothing of it is kept. */
export class AnswerTooLarge extends Error {
  constructor(limitBytes: number) {
    super(`more than ${limitBytes} bytes`);
    this.name = 'AnswerTooLarge';
  }
}

export type PrepareExchange = (
  target: ProviderTarget,
  request: CallerRequest,
  limits: { answerBytesMax: number },
) => Exchange;
