import type { IncomingMessage, ServerResponse } from 'node:http';
import { OwnkeyError } from '@ownkey/contract/errors';

/** Memory that request bodies may take in this worker, all calls together. */
export class BodyBudget {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** False when it would not fit: the caller is to come again. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#bytesMax) return false;
    this.#bytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
  }
}

export interface BodyLimits {
  bytesMax: number;
  /** Longest pause between two pieces. */
  idleTimeoutMs: number;
  /** Longest time for the whole body. */
  timeoutMs: number;
}

/** A body in memory. `release` gives its share of the budget back; calling it again does nothing. */
export interface HeldBody {
  bytes: Buffer;
  release(): void;
}

const NOTHING = Buffer.alloc(0);

/**
 * Reads the whole body into one buffer. The budget is charged before the bytes come, so many slow callers cannot pass it together.
 * @throws OwnkeyError request.too_large (exactly above the limit), request.time_out, busy; request.invalid when the caller leaves
 */
export function collectBody(
  request: IncomingMessage,
  response: ServerResponse,
  limits: BodyLimits,
  budget: BodyBudget,
  expectsContinue: boolean,
): Promise<HeldBody> {
  if (request.destroyed) return Promise.reject(new OwnkeyError('request.invalid', { problem: 'The caller has left.' }));
  const declared = declaredLength(request);
  if (declared !== null && declared > limits.bytesMax) {
    return Promise.reject(new OwnkeyError('request.too_large', { limit_bytes: limits.bytesMax }));
  }
  if (!budget.take(declared ?? 0)) return Promise.reject(new OwnkeyError('busy'));
  if (expectsContinue) response.writeContinue();
  const reader = new BodyReader(request, limits, budget, declared);
  return reader.read();
}

function declaredLength(request: IncomingMessage): number | null {
  const header = request.headers['content-length'];
  return header === undefined ? null : Number(header);
}

class BodyReader {
  readonly #request: IncomingMessage;
  readonly #limits: BodyLimits;
  readonly #budget: BodyBudget;
  readonly #declared: number | null;
  readonly #chunks: Buffer[] = [];
  #length = 0;
  #charged: number;

  constructor(request: IncomingMessage, limits: BodyLimits, budget: BodyBudget, declared: number | null) {
    this.#request = request;
    this.#limits = limits;
    this.#budget = budget;
    this.#declared = declared;
    this.#charged = declared ?? 0;
  }

  read(): Promise<HeldBody> {
    const request = this.#request;
    return new Promise((resolve, reject) => {
      let idle = setTimeout(tooSlow, this.#limits.idleTimeoutMs);
      const whole = setTimeout(tooSlow, this.#limits.timeoutMs);
      const settle = (): void => {
        clearTimeout(idle);
        clearTimeout(whole);
        request.off('data', onData);
        request.off('end', onEnd);
        request.off('close', onClose);
        request.off('error', onClose);
      };
      const fail = (error: OwnkeyError): void => {
        settle();
        this.#chunks.length = 0;
        this.#release();
        reject(error);
      };
      function tooSlow(): void {
        fail(new OwnkeyError('request.time_out'));
      }
      const onData = (chunk: Buffer): void => {
        idle = idle.refresh();
        const problem = this.#take(chunk);
        if (problem !== null) fail(problem);
      };
      const onEnd = (): void => {
        settle();
        resolve({ bytes: this.#join(), release: () => this.#release() });
      };
      const onClose = (): void => fail(new OwnkeyError('request.invalid', { problem: 'The body ended early.' }));
      request.on('data', onData);
      request.on('end', onEnd);
      request.on('close', onClose);
      request.on('error', onClose);
    });
  }

  #take(chunk: Buffer): OwnkeyError | null {
    this.#length += chunk.length;
    if (this.#length > this.#limits.bytesMax) {
      return new OwnkeyError('request.too_large', { limit_bytes: this.#limits.bytesMax });
    }
    if (this.#declared === null) {
      if (!this.#budget.take(chunk.length)) return new OwnkeyError('busy');
      this.#charged += chunk.length;
    }
    this.#chunks.push(chunk);
    return null;
  }

  #join(): Buffer {
    const [first = NOTHING, ...rest] = this.#chunks;
    return rest.length === 0 ? first : Buffer.concat(this.#chunks, this.#length);
  }

  #release(): void {
    this.#budget.give(this.#charged);
    this.#charged = 0;
  }
}

/** Most of a refused body that is read and thrown away, so that the caller can read the answer before the connection ends. */
const DISCARD_BYTES_MAX = 64 * 1024 * 1024;
const DISCARD_MS_MAX = 10_000;

/** After an answer that came before the end of the body: takes the rest within bounds, then cuts the connection. */
export function discardBody(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  let bytes = 0;
  const cut = (): void => {
    clearTimeout(timer);
    request.socket.destroy();
  };
  const timer = setTimeout(cut, DISCARD_MS_MAX).unref();
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > DISCARD_BYTES_MAX) cut();
  });
  request.once('close', () => clearTimeout(timer));
  request.once('end', () => clearTimeout(timer));
  request.on('error', () => {});
  request.resume();
}
