import type { Egress, EgressCall, EgressHandler, EgressStream } from '../../packages/worker/src/egress/egress.ts';
import { EgressError } from '../../packages/worker/src/egress/egress.ts';

/** One call that reached the fake provider, and the provider's side of it. */
export interface FakeCall {
  readonly call: EgressCall;
  readonly body: string;
  readonly aborted: boolean;
  readonly answered: boolean;
  /** How many times the caller's side asked to wait. */
  readonly pauses: number;
  readonly resumes: number;
  head(status: number, headers?: Record<string, string>): void;
  /** False = the caller's side asked to wait. */
  data(text: string | Buffer): boolean;
  end(): void;
  error(code: EgressError['code'], afterSend?: boolean): void;
  /** A whole JSON answer. */
  answer(status: number, body: unknown, headers?: Record<string, string>): void;
}

/** Stands for the way out: nothing leaves the process; the test plays the provider. */
export class FakeEgress implements Egress {
  readonly calls: FakeCall[] = [];
  /** Plays the provider for each call; by default the call stays open. */
  respond: (call: FakeCall) => void = () => {};
  #waiting: ((call: FakeCall) => void)[] = [];

  /** The next call from now on. */
  next(): Promise<FakeCall> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  send(call: EgressCall, handler: EgressHandler): EgressStream {
    const fake = new OneCall(call, handler);
    this.calls.push(fake);
    setImmediate(() => {
      this.respond(fake);
      for (const resolve of this.#waiting.splice(0)) resolve(fake);
    });
    return fake;
  }

  closeKey(keyId: string, version = Number.POSITIVE_INFINITY): void {
    for (const { call, error, answered } of this.calls) {
      if (call.key.id === keyId && call.key.version <= version) error('key.removed', answered);
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

class OneCall implements FakeCall, EgressStream {
  readonly call: EgressCall;
  readonly #handler: EgressHandler;
  aborted = false;
  answered = false;
  pauses = 0;
  resumes = 0;
  #over = false;

  constructor(call: EgressCall, handler: EgressHandler) {
    this.call = call;
    this.#handler = handler;
  }

  get body(): string {
    return this.call.request.body.toString();
  }

  head(status: number, headers: Record<string, string> = {}): void {
    if (this.#ended) return;
    this.answered = true;
    this.#handler.head(status, headers);
  }

  data(text: string | Buffer): boolean {
    if (this.#ended) return true;
    const more = this.#handler.data(Buffer.from(text));
    if (!more) this.pauses += 1;
    return more;
  }

  readonly end = (): void => {
    if (this.#ended) return;
    this.#over = true;
    this.#handler.end();
  };

  readonly error = (code: EgressError['code'], afterSend = true): void => {
    if (this.#ended) return;
    this.#over = true;
    this.#handler.error(new EgressError(code, `played: ${code}`, afterSend));
  };

  answer(status: number, body: unknown, headers: Record<string, string> = {}): void {
    this.head(status, { 'content-type': 'application/json', ...headers });
    this.data(JSON.stringify(body));
    this.end();
  }

  abort(): void {
    this.aborted = true;
  }

  resume(): void {
    this.resumes += 1;
  }

  get #ended(): boolean {
    return this.#over || this.aborted;
  }
}
