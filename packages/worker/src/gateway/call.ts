import type { ServerResponse } from 'node:http';
import { type AnswerReader, AnswerTooLarge, type Exchange, type ProviderFailure } from '@ownkey/contract/dialect';
import { type ErrorCode, type ErrorFacts, errorMessage } from '@ownkey/contract/errors';
import type { FallbackReason } from '@ownkey/contract/fallback';
import { RESPONSE_HEADERS } from '@ownkey/contract/headers';
import { formatUsd } from '@ownkey/contract/money';
import type { EgressError, EgressHandler, EgressStream } from '../egress/egress.ts';
import { type KeyFailure, ofLostCall, ofProviderFailure } from '../health/failure-meaning.ts';
import type { Settlement } from '../ledger/ledger.ts';
import { answerHeaders } from './answer-headers.ts';
import type { HeldAnswer } from './answer-memory.ts';
import type { CallParts } from './call-parts.ts';
import type { CallEnd, CallPlan } from './call-plan.ts';
import { type FailureAnswer, ownFailureAnswer, providerFailureAnswer } from './failure-answer.ts';
import { Relay } from './relay.ts';
import { scrubFailure } from './scrub-failure.ts';
import { settlementOf, usageComment } from './settlement.ts';

/**
 * Sends one reserved call and relays its answer, with back-pressure both ways. Resolves when the answer is over and booked,
 * whatever happened; never rejects.
 */
export function runCall(parts: CallParts, plan: CallPlan, response: ServerResponse): Promise<CallEnd> {
  return new Promise((resolve) => {
    new Call(parts, plan, response, resolve).start();
  });
}

/** Longest wait for the own key's limit to end. */
const RETRY_AFTER_MS_MAX = 2_000;

const FAILED = Symbol('failed');

class Call implements EgressHandler {
  readonly #parts: CallParts;
  readonly #plan: CallPlan;
  readonly #response: ServerResponse;
  readonly #done: (end: CallEnd) => void;
  readonly #relay: Relay;
  readonly #startedAt = performance.now();
  readonly #startedAtMs: number;
  readonly #leaveKey: () => void;
  readonly #leaveCompany: () => void;
  #exchange: Exchange;
  #reader: AnswerReader;
  #stream: EgressStream | null = null;
  #status = 0;
  #ttfbMs: number | null = null;
  #sent = false;
  #over = false;
  #retry: NodeJS.Timeout | null = null;
  readonly #onClose = (): void => this.#callerGone();
  #failureSeen = false;
  #complete = false;
  readonly #held: HeldAnswer;

  constructor(parts: CallParts, plan: CallPlan, response: ServerResponse, done: (end: CallEnd) => void) {
    this.#parts = parts;
    this.#startedAtMs = parts.now();
    this.#plan = plan;
    this.#response = response;
    this.#done = done;
    this.#exchange = plan.exchange;
    this.#reader = plan.exchange.reader();
    this.#leaveKey = parts.enterKey(plan.keyRef.id, plan.keyRef.version);
    this.#leaveCompany = parts.enterCompany(plan.companyId, () => this.#over || this.#fail('key.removed'));
    this.#held = parts.answerMemory.open(plan.companyId);
    this.#relay = new Relay(response, { streaming: plan.streaming, stallMs: parts.stallMs, onStall: this.#onClose });
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
    this.#relay.head(head.status, { ...kept, ...answerHeaders(this.#plan) }, flush);
  }

  data(chunk: Buffer): boolean {
    if (this.#over) return true;
    const out = this.#read(() => this.#held.note(chunk, this.#reader.push(chunk)));
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
      if (this.#sendAgainWithout(failure) || this.#sendAgainLater(failure)) return;
      const answer = providerFailureAnswer(this.#parts, this.#plan.wire, this.#status, failure);
      this.#answerFailure(answer, `provider.${failure.kind}`, this.#noteFailure(ofProviderFailure(failure)));
      return;
    }
    if (failure === null) this.#noteSuccess();
    else this.#noteFailure(ofProviderFailure(failure));
    const code = failure === null ? null : `provider.${failure.kind}`;
    void this.#finish(this.#settlement(this.#status, code), this.#scrubbed(out));
  }

  error(error: EgressError): void {
    if (this.#over) return;
    this.#sent ||= error.afterSend;
    if (error.code === 'key.removed' && !this.#sent && this.#status === 0 && this.#plan.mayDecideAgain) {
      this.#over = true;
      this.#response.off('close', this.#onClose);
      void this.#book(this.#settlement(null, error.code), { kind: 'again' });
      return;
    }
    const { requestId: request_id, route } = this.#plan;
    this.#parts.log.warn('a call failed', {
      request_id,
      code: error.code,
      provider: route.target.slug,
      why: error.message,
    });
    this.#fail(error.code, this.#noteFailure(ofLostCall(error.code, this.#status > 0)));
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

  /** Once: a limit that ends within a moment is waited for on the own key, before anybody else pays. */
  #sendAgainLater(failure: ProviderFailure): boolean {
    const { retryAfterMs } = failure;
    if (!this.#plan.mayFallBack || failure.kind !== 'rate_limited' || this.#retry !== null) return false;
    if (retryAfterMs === null || retryAfterMs > RETRY_AFTER_MS_MAX) return false;
    this.#reader = this.#exchange.reader();
    this.#relay.reset();
    this.#status = 0;
    this.#stream = null;
    // Sent by nobody once the call is over: ended for its company, or left by its caller, while it waited.
    this.#retry = setTimeout(() => this.#over || this.#send(), retryAfterMs);
    return true;
  }

  /** Tells the key's health of it. Resolves to why another payer may follow; null = nobody may. */
  #noteFailure(failure: KeyFailure): FallbackReason | null {
    const { companyId, route } = this.#plan;
    this.#parts.health.failed(route.source === 'own' ? companyId : null, route.key, failure);
    return failure.reason;
  }

  #noteSuccess(): void {
    const { route, keyInNotice } = this.#plan;
    this.#parts.health.worked(route.key, this.#startedAtMs, keyInNotice);
  }

  /** Our error before the first byte, the wire's own way of breaking off after it. */
  #fail(code: ErrorCode, reason: FallbackReason | null = null): void {
    this.#stream?.abort();
    const facts: ErrorFacts = { provider: this.#plan.route.target.entry.name };
    if (!this.#relay.started) {
      this.#answerFailure(ownFailureAnswer(this.#plan.wire, code, facts), code, reason);
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

  /** Answers, or hands the answer back where somebody else may answer in its place. */
  #answerFailure({ status, headers, body }: FailureAnswer, code: string, reason: FallbackReason | null): void {
    this.#relay.reset();
    this.#relay.head(status, { ...answerHeaders(this.#plan), ...headers }, false);
    const settlement = this.#settlement(status, code);
    if (reason === null || !this.#plan.mayFallBack) {
      void this.#finish(settlement, body);
      return;
    }
    this.#over = true;
    this.#response.off('close', this.#onClose);
    void this.#book(settlement, { kind: 'failed', reason, answer: () => this.#relay.end(body) });
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

  async #book(settlement: Settlement, end: CallEnd = { kind: 'answered' }): Promise<void> {
    this.#leaveKey();
    this.#leaveCompany();
    this.#held.end();
    await this.#parts.ledger.settle(this.#plan.hold, settlement);
    this.#done(end);
  }

  #settlement(httpStatus: number | null, errorCode: string | null): Settlement {
    const failure = this.#reader.failure();
    // Of a call its caller left it is not known how far it came, once it was begun.
    const reached = this.#status > 0 || this.#sent || (errorCode === 'caller.gone' && this.#stream !== null);
    const providerRequestId = failure && scrubFailure(failure, this.#parts.scrubber.scrubText).requestId;
    const told = { httpStatus, errorCode, providerRequestId, latencyMs: this.#elapsed(), ttfbMs: this.#ttfbMs };
    return settlementOf(this.#plan, this.#reader, { ...told, reached, complete: this.#complete });
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
