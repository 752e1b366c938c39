import type { ServerResponse } from 'node:http';

/** An unstreamed answer up to this size leaves at its end; of a larger one the rest goes out as it comes. */
const HELD_BYTES_MAX = 1024 * 1024;

/**
 * The caller's side of one answer. Streams go out as they come; an unstreamed answer is held back, so that its head can say what it
 * cost and its last byte waits for the settlement (most answers are one piece, which goes out with the head in one write).
 */
export class Relay {
  readonly #response: ServerResponse;
  readonly #streaming: boolean;
  readonly #stallMs: number;
  readonly #onStall: () => void;
  #head: { status: number; headers: Record<string, string> } | null = null;
  #held: Buffer[] = [];
  #heldBytes = 0;
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

  /** One header more, where the head is not out yet. */
  addHeader(name: string, value: string): void {
    if (!this.#response.headersSent && this.#head !== null) this.#head.headers[name] = value;
  }

  /** False = wait for `onDrain` before giving more. */
  write(bytes: Buffer | null, onDrain: () => void): boolean {
    if (bytes === null || bytes.length === 0) return true;
    if (this.#streaming) return this.#send(bytes, onDrain);
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes <= HELD_BYTES_MAX) return true;
    // All but the newest piece, which the last byte is in.
    const before = Buffer.concat(this.#held.slice(0, -1));
    this.#held = [bytes];
    return before.length === 0 || this.#send(before, onDrain);
  }

  /** The last bytes, then the end of the answer. */
  end(bytes: Buffer | null): void {
    this.#stopStall();
    if (bytes !== null && bytes.length > 0) this.#held.push(bytes);
    const [only] = this.#held;
    const rest = this.#held.length === 1 && only !== undefined ? only : Buffer.concat(this.#held);
    this.#held = [];
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
    this.#held = [];
    this.#heldBytes = 0;
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
