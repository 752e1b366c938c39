import {
  type AnswerReader,
  AnswerTooLarge,
  type CallerRequest,
  type Exchange,
  type ProviderFailure,
} from '@ownkey/contract/dialect';
import type { ProviderTarget } from '@ownkey/contract/provider';
import type { Usage } from '@ownkey/contract/usage';

/**
 * The simplest dialect there can be: bytes pass, a JSON answer's or an event's `usage` is read, failures are JSON. For tests of the
 * gateway around the dialects. When the body has `add: true`, a parameter is added that the provider may refuse (status 422).
 */
export function plainExchange(target: ProviderTarget, request: CallerRequest): Exchange {
  return plainReader(1_000_000)(target, request);
}

/** The same, holding answers up to this size. */
export function plainReader(bytesMax: number): (target: ProviderTarget, request: CallerRequest) => Exchange {
  return (_, request) => exchangeFor(request, bytesMax);
}

function exchangeFor(request: CallerRequest, bytesMax: number): Exchange {
  const parsed: Record<string, unknown> = JSON.parse(request.body.toString());
  return exchangeOf({ ...parsed, model: request.upstreamModel }, parsed.add === true, bytesMax);
}

function exchangeOf(body: Record<string, unknown>, added: boolean, bytesMax: number): Exchange {
  return {
    request: {
      method: 'POST',
      path: '/chat/completions',
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify(added ? { ...body, added: true } : body)),
    },
    reader: () => new PlainReader(bytesMax),
    withoutAddedParameters: (failure) => (added && failure.status === 422 ? exchangeOf(body, false, bytesMax) : null),
  };
}

class PlainReader implements AnswerReader {
  #status = 0;
  #text = '';
  #started = false;
  #cut = false;
  readonly #bytesMax: number;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  head(status: number, headers: Readonly<Record<string, string>>) {
    this.#status = status;
    return { status, headers: { 'content-type': headers['content-type'] ?? 'application/json' } };
  }

  push(chunk: Buffer): Buffer | null {
    if (this.#text.length + chunk.length > this.#bytesMax) throw new AnswerTooLarge(this.#bytesMax);
    this.#text += chunk.toString();
    if (this.#status >= 400) return null;
    this.#started = true;
    return chunk;
  }

  end(): Buffer | null {
    return null;
  }

  cut(reason: { code: string; message: string }): Buffer | null {
    this.#cut = true;
    return Buffer.from(`data: ${JSON.stringify({ error: reason })}\n\n`);
  }

  failure(): ProviderFailure | null {
    if (this.#status < 400) return null;
    return {
      kind: this.#status === 401 ? 'key_rejected' : this.#status === 429 ? 'rate_limited' : 'bad_request',
      status: this.#status,
      type: 'played_error',
      code: null,
      message: this.#text,
      requestId: 'up-failed',
      retryAfterMs: this.#status === 429 ? 1500 : null,
    };
  }

  usage() {
    const found = /"usage":\{"in":(\d+),"out":(\d+)\}/.exec(this.#text);
    if (!found) return null;
    const usage: Usage = {
      input: Number(found[1]),
      cacheRead: 0,
      cacheWrite5m: 0,
      cacheWrite1h: 0,
      output: Number(found[2]),
      reasoning: 0,
    };
    return { usage, basis: 'reported' as const, partial: this.#cut };
  }

  generatedCharacters(): number {
    return this.#started ? this.#text.length : 0;
  }

  started(): boolean {
    return this.#started;
  }
}
