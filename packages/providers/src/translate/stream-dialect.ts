import type { NeutralEvent } from '@ownkey/contract/neutral';
import type { SseEvent } from '../sse.ts';

/**
 * Reads a provider's stream into neutral events. A state machine: blocks come out opened and closed in order, usage before the
 * finish, and nothing after a finish or an error.
 */
export interface StreamReader {
  /** Throws MalformedAnswer for an event that cannot be read. */
  read(event: SseEvent): NeutralEvent[];
  /** The stream ended. What was held comes out; a stream that ended too early gives an error event. */
  end(): NeutralEvent[];
}

/** Writes neutral events as the text of a stream of the caller's wire. One object per answer. */
export interface StreamWriter {
  write(event: NeutralEvent): string;
}
