import type { ServerResponse } from 'node:http';
import { type AnswerReader, AnswerTooLarge, type Exchange, type ProviderFailure } from '@ownkey/contract/dialect';
import { errorHeaders, wireErrorBody } from '@ownkey/contract/error-shapes';
import { ERRORS, type ErrorCode, type ErrorFacts, errorMessage } from '@ownkey/contract/errors';
import { RESPONSE_HEADERS } from '@ownkey/contract/headers';
import { formatUsd } from '@ownkey/contract/money';
import type { Wire } from '@ownkey/contract/provider';
import type { Logger } from '@ownkey/guard/log';
import type { Scrubber } from '@ownkey/guard/scrub';
import type { Egress, EgressError, EgressHandler, EgressStream, KeyRef } from '../egress/egress.ts';
import type { Hold, Ledger, Settlement } from '../ledger/ledger.ts';
import type { SpendPlan } from '../spend/plan-spend.ts';
import { Relay } from './relay.ts';
import type { Route } from './route.ts';
import { scrubFailure } from './scrub-failure.ts';
import { settlementOf, usageComment } from './settlement.ts';

/** What every call of the gateway shares. */
export interface CallParts {
  egress: Egress;
  ledger: Ledger;
  scrubber: Scrubber;
  log: Logger;
  headersTimeoutMs: number;
  idleTimeoutMs: number;
  /** Longest time a caller may take nothing of its answer. */
  stallMs: number;
  /** Body of a provider's failure in the caller's wire; the message is scrubbed already. */
  writeError: (wire: Wire, failure: ProviderFailure) => Buffer;
  /** The provider refused a parameter that was added for it: remembered, so that the next call goes without. */
  addedParametersRefused: (route: Route, failure: ProviderFailure) => void;
  /** The key is in use until the returned function is called. */
  enterKey: (keyId: string, version: number) => () => void;
}

/** One call whose reservation stands. */
export interface CallPlan {
  wire: Wire;
  streaming: boolean;
  requestId: string;
  hold: Hold;
  route: Route;
  keyRef: KeyRef;
  exchange: Exchange;
  requestBytes: number;
  spend: SpendPlan;
  /** The provider charges nothing for it (a count of tokens). */
  free: boolean;
  /** See `ReservedCall`. */
  sentMaxTokens: number | null;
  /** The caller asked for usage in a last comment of the stream. */
  usageComment: boolean;
  /** A key that is gone before the call is sent leads to a new decision, not to an error. */
  mayDecideAgain: boolean;
}

/** `answered`: the caller has its answer. `again`: the key went away before anything was sent; decide anew, nothing was answered. */
export type CallEnd = 'answered' | 'again';

/**
 * Sends one reserved call and relays its answer, with back-pressure both ways. Resolves when the answer is over and booked,
 * whatever happened; never rejects.
 */
export function runCall(parts: CallParts, plan: CallPlan, response: ServerResponse): Promise<CallEnd> {
  return new Promise((resolve) => {
    new Call(parts, plan, response, resolve).start();
  });
}

const FAILED = Symbol('failed');

class Call implements EgressHandler {
  readonly #parts: CallParts;
  readonly #plan: CallPlan;
  readonly #response: ServerResponse;
  readonly #done: (end: CallEnd) => void;
  readonly #relay: Relay;
  readonly #startedAt = performance.now();
  readonly #leaveKey: () => void;
  #exchange: Exchange;
  #reader: AnswerReader;
  #stream: EgressStream | null = null;
  #status = 0;
  #ttfbMs: number | null = null;
  #sent = false;
  #over = false;
  readonly #onClose = (): void => this.#callerGone();
  #failureSeen = false;
  #complete = false;

  constructor(parts: CallParts, plan: CallPlan, response: ServerResponse, done: (end: CallEnd) => void) {
    this.#parts = parts;
    this.#plan = plan;
    this.#response = response;
    this.#done = done;
    this.#exchange = plan.exchange;
    this.#reader = plan.exchange.reader();
    this.#leaveKey = parts.enterKey(plan.keyRef.id, plan.keyRef.version);
    const onStall = (): void => this.#callerGone();
    this.#relay = new Relay(response, { streaming: plan.streaming, stallMs: parts.stallMs, onStall });
  }

  start(): void {
    this.#response.once('close', this.#onClose);
    if (this.#response.destroyed) this.#callerGone();
    else this.#send();
  }

  head(status: number, headers: Record<string, string>): void {
    if (this.#over) return;
    this.#status = status;
    this.#ttfbMs = this.#elapsed();
    const head = this.#read(() => this.#reader.head(status, headers));
    if (head === FAILED) return;
    // A failure keeps its head until its end: it may be repeated, and its text has to be scrubbed.
    const flush = this.#plan.streaming && status < 400;
    // The length of what goes out is known here alone.
    const { 'content-length': _, ...kept } = head.headers;
    this.#relay.head(head.status, { ...kept, ...this.#ownHeaders() }, flush);
  }

  data(chunk: Buffer): boolean {
    if (this.#over) return true;
    const out = this.#read(() => this.#reader.push(chunk));
    if (out === FAILED || this.#status >= 400) return true;
    return this.#relay.write(this.#scrubbed(out), () => this.#stream?.resume());
  }

  end(): void {
    if (this.#over) return;
    const out = this.#read(() => this.#reader.end());
    if (out === FAILED) return;
    const failure = this.#reader.failure();
    this.#complete = failure === null;
    if (failure !== null && !this.#relay.started) {
      if (this.#sendAgainWithout(failure)) return;
      this.#answerFailure(failure);
      return;
    }
    const code = failure === null ? null : `provider.${failure.kind}`;
    void this.#finish(this.#settlement(this.#status, code), this.#scrubbed(out));
  }

  error(error: EgressError): void {
    if (this.#over) return;
    this.#sent ||= error.afterSend;
    if (error.code === 'key.removed' && !this.#sent && this.#status === 0 && this.#plan.mayDecideAgain) {
      this.#over = true;
      this.#response.off('close', this.#onClose);
      void this.#book(this.#settlement(null, error.code), 'again');
      return;
    }
    const { requestId: request_id, route } = this.#plan;
    this.#parts.log.warn('a call failed', {
      request_id,
      code: error.code,
      provider: route.target.slug,
      why: error.message,
    });
    this.#fail(error.code);
  }

  /** What a reader cannot read ends the call; it must not end the connection's other work. */
  #read<Value>(step: () => Value): Value | typeof FAILED {
    try {
      return step();
    } catch (error) {
      const tooLarge = error instanceof AnswerTooLarge;
      if (!tooLarge) this.#parts.log.error('an answer could not be read', { request_id: this.#plan.requestId, error });
      this.#fail(tooLarge ? 'provider.answer_too_large' : 'provider.unreadable');
      return FAILED;
    }
  }

  #send(): void {
    const { route, keyRef } = this.#plan;
    const { entry, baseUrl } = route.target;
    this.#stream = this.#parts.egress.send(
      {
        key: keyRef,
        baseUrl,
        auth: entry.auth,
        request: this.#exchange.request,
        headTimeoutMs: this.#parts.headersTimeoutMs,
        idleTimeoutMs: this.#parts.idleTimeoutMs,
      },
      this,
    );
  }

  /** Once, and only before the caller saw anything: the same call without what we added to it. */
  #sendAgainWithout(failure: ProviderFailure): boolean {
    if (this.#exchange !== this.#plan.exchange) return false;
    const without = this.#exchange.withoutAddedParameters(failure);
    if (without === null) return false;
    this.#parts.addedParametersRefused(this.#plan.route, failure);
    this.#exchange = without;
    this.#reader = without.reader();
    this.#relay.reset();
    this.#send();
    return true;
  }

  /** The provider's own error, with its status and type, in the caller's wire. */
  #answerFailure(failure: ProviderFailure): void {
    const { scrubber, writeError } = this.#parts;
    const body = writeError(this.#plan.wire, scrubFailure(failure, scrubber.scrubText));
    const status = this.#status >= 400 ? this.#status : failure.status;
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      ...this.#ownHeaders(),
      [RESPONSE_HEADERS.errorCode]: 'provider.error',
    };
    if (failure.retryAfterMs !== null) headers['retry-after'] = String(Math.ceil(failure.retryAfterMs / 1000));
    this.#relay.reset();
    this.#relay.head(status, headers, false);
    void this.#finish(this.#settlement(status, `provider.${failure.kind}`), body);
  }

  /** An end that is not the provider's own: our error before the first byte, the wire's own way of breaking off after it. */
  #fail(code: ErrorCode): void {
    this.#stream?.abort();
    const facts: ErrorFacts = { provider: this.#plan.route.target.entry.name };
    if (!this.#relay.started) {
      const status = ERRORS[code].status;
      const body = Buffer.from(JSON.stringify(wireErrorBody(this.#plan.wire, code, facts)));
      this.#relay.reset();
      const headers = { 'content-type': 'application/json', ...this.#ownHeaders(), ...errorHeaders(code, facts) };
      this.#relay.head(status, headers, false);
      void this.#finish(this.#settlement(status, code), body);
      return;
    }
    const settlement = this.#settlement(this.#status, code);
    if (this.#plan.streaming) {
      void this.#finish(settlement, this.#reader.cut({ code, message: errorMessage(code, facts) }));
    } else {
      this.#over = true;
      this.#relay.cut();
      void this.#book(settlement);
    }
  }

  #callerGone(): void {
    if (this.#over) return;
    this.#over = true;
    this.#stream?.abort();
    this.#relay.cut();
    void this.#book(this.#settlement(this.#relay.started ? this.#status : null, 'caller.gone'));
  }

  /** Books the call, then lets the last bytes out. */
  async #finish(settlement: Settlement, last: Buffer | null): Promise<void> {
    this.#over = true;
    await this.#book(settlement);
    const cost = settlement.costNanoUsd;
    if (cost !== null) this.#relay.addHeader(RESPONSE_HEADERS.costUsd, formatUsd(cost));
    const comment = this.#plan.usageComment && this.#plan.streaming ? usageComment(settlement) : null;
    this.#relay.end(comment === null ? last : Buffer.concat([last ?? Buffer.alloc(0), comment]));
  }

  async #book(settlement: Settlement, end: CallEnd = 'answered'): Promise<void> {
    this.#leaveKey();
    await this.#parts.ledger.settle(this.#plan.hold, settlement);
    this.#done(end);
  }

  #settlement(httpStatus: number | null, errorCode: string | null): Settlement {
    const failure = this.#reader.failure();
    const reached = this.#status > 0 || this.#sent || errorCode === 'caller.gone';
    const providerRequestId = failure && scrubFailure(failure, this.#parts.scrubber.scrubText).requestId;
    const told = { httpStatus, errorCode, providerRequestId, latencyMs: this.#elapsed(), ttfbMs: this.#ttfbMs };
    return settlementOf(this.#plan, this.#reader, { ...told, reached, complete: this.#complete });
  }

  #ownHeaders(): Record<string, string> {
    const { route, requestId, hold, sentMaxTokens } = this.#plan;
    const headers: Record<string, string> = {
      'cache-control': 'no-store',
      [RESPONSE_HEADERS.requestId]: requestId,
      [RESPONSE_HEADERS.keySource]: route.source,
      [RESPONSE_HEADERS.provider]: route.target.slug,
    };
    if (route.source === 'own' && route.key.last4 !== null) headers[RESPONSE_HEADERS.keyLast4] = route.key.last4;
    if (hold.remainingNanoUsd !== null) headers[RESPONSE_HEADERS.capRemainingUsd] = formatUsd(hold.remainingNanoUsd);
    if (sentMaxTokens !== null) headers[RESPONSE_HEADERS.maxTokens] = String(sentMaxTokens);
    return headers;
  }

  /** An error inside a stream carries the provider's own words: from there on every piece is scrubbed. */
  #scrubbed(bytes: Buffer | null): Buffer | null {
    if (bytes === null) return null;
    if (!this.#failureSeen && this.#reader.failure() === null) return bytes;
    this.#failureSeen = true;
    return Buffer.from(this.#parts.scrubber.scrubText(bytes.toString()));
  }

  #elapsed(): number {
    return Math.round(performance.now() - this.#startedAt);
  }
}
