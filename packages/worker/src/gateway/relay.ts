import type { ServerResponse } from 'node:http';

const NOTHING = Buffer.alloc(0);

/**
 * The caller's side of one answer. Streams go out as they come; of an unstreamed answer the newest piece is held back, so that the
 * last byte can wait for the settlement (most answers are one piece, which then goes out with the head in one write).
 */
export class Relay {
  readonly #response: ServerResponse;
  readonly #streaming: boolean;
  readonly #stallMs: number;
  readonly #onStall: () => void;
  #head: { status: number; headers: Record<string, string> } | null = null;
  #held: Buffer = NOTHING;
  #stall: NodeJS.Timeout | null = null;

  /** `onStall`: the caller has not taken anything for `stallMs`. */
  constructor(response: ServerResponse, options: { streaming: boolean; stallMs: number; onStall: () => void }) {
    this.#response = response;
    this.#streaming = options.streaming;
    this.#stallMs = options.stallMs;
    this.#onStall = options.onStall;
  }

  /** Whether the head is out: from then on the status cannot change. */
  get started(): boolean {
    return this.#response.headersSent;
  }

  /** Sets the head; for streams it goes out at once. */
  head(status: number, headers: Record<string, string>, flush: boolean): void {
    this.#head = { status, headers };
    if (!flush) return;
    this.#writeHead();
    this.#response.flushHeaders();
  }

  /** False = wait for `onDrain` before giving more. */
  write(bytes: Buffer | null, onDrain: () => void): boolean {
    if (bytes === null || bytes.length === 0) return true;
    if (this.#streaming) return this.#send(bytes, onDrain);
    const before = this.#held;
    this.#held = bytes;
    return before.length === 0 || this.#send(before, onDrain);
  }

  /** The last bytes, then the end of the answer. */
  end(bytes: Buffer | null): void {
    this.#stopStall();
    const rest = bytes === null || bytes.length === 0 ? this.#held : Buffer.concat([this.#held, bytes]);
    this.#held = NOTHING;
    if (!this.#response.headersSent) {
      if (this.#head !== null) this.#head.headers['content-length'] = String(rest.length);
      this.#writeHead();
    }
    this.#response.end(rest);
  }

  /** Breaks the connection, so that the caller cannot take half an answer for a whole one. */
  cut(): void {
    this.#stopStall();
    this.#response.destroy();
  }

  /** Forgets the head and what is held: another answer comes in its place. Only before anything went out. */
  reset(): void {
    this.#head = null;
    this.#held = NOTHING;
  }

  #writeHead(): void {
    if (this.#response.headersSent || this.#head === null) return;
    this.#response.writeHead(this.#head.status, this.#head.headers);
  }

  #send(bytes: Buffer, onDrain: () => void): boolean {
    this.#writeHead();
    if (this.#response.write(bytes)) return true;
    this.#stall ??= setTimeout(this.#onStall, this.#stallMs);
    this.#response.once('drain', () => {
      this.#stopStall();
      onDrain();
    });
    return false;
  }

  #stopStall(): void {
    if (this.#stall) clearTimeout(this.#stall);
    this.#stall = null;
  }
}
