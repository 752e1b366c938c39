import type { NeutralEvent } from '@ownkey/contract/neutral';
import { isJson, type Json, jsonOf, parseJson, textOf, textOrNull } from '../../json.ts';
import { type KnownCall, ToolIndexer } from '../../tool-index.ts';
import { MalformedAnswer } from '../../translate/malformed.ts';
import type { OpenBlock } from '../../translate/open-block.ts';

interface CallState {
  call: KnownCall;
  phase: 'waiting' | 'open' | 'closed';
  /** Arguments so far, to tell whether they are complete. */
  args: string;
  signature: string | null;
}

/**
 * Brings the pieces of streamed tool calls, which may come in any order, into blocks one after the other. The first call is passed
 * on as it comes; another one follows as soon as the open one's arguments are complete, else after the last piece of all.
 */
export class ToolStreams {
  readonly #indexer = new ToolIndexer();
  readonly #states: CallState[] = [];
  readonly #block: OpenBlock;
  readonly #holds: boolean;
  #last: CallState | null = null;

  /** `holds`: nothing comes out before `finish`, for providers whose signatures come in pieces of their own. */
  constructor(block: OpenBlock, holds: boolean) {
    this.#block = block;
    this.#holds = holds;
  }

  get size(): number {
    return this.#indexer.size;
  }

  /** Whether a call is open that is not complete: nothing else may be opened before it is. */
  get isBusy(): boolean {
    const open = this.#open();
    return open !== undefined && !isComplete(open.args);
  }

  *push(piece: Json): Generator<NeutralEvent> {
    const signature = textOrNull(jsonOf(jsonOf(piece.extra_content).google).thought_signature);
    if (signature !== null && piece.function === undefined && this.#last) {
      this.#last.signature ??= signature;
      return;
    }
    const { call, isNew } = this.#indexer.resolve(piece);
    const state = isNew ? this.#add(call) : this.#states[call.index];
    if (!state) return;
    this.#last = state;
    state.signature ??= signature;
    const args = argumentsOf(piece);
    if (state.phase === 'closed' && args.trim() !== '') {
      throw new MalformedAnswer('The provider sent more arguments for a tool call that was complete.');
    }
    state.args += args;
    if (state.phase === 'open') {
      if (args !== '') yield { type: 'tool-delta', arguments: args };
    } else if (state.phase === 'waiting' && !this.#holds && !this.isBusy) yield* this.#start(state);
  }

  /** Closes what is open and sends what waits. */
  *finish(): Generator<NeutralEvent> {
    const open = this.#open();
    if (open) open.phase = 'closed';
    yield* this.#block.close();
    for (const state of this.#states) {
      if (state.phase !== 'waiting') continue;
      yield* this.#start(state);
      state.phase = 'closed';
      yield* this.#block.close();
    }
  }

  /** The open call is complete and something else begins. */
  closeOpen(): void {
    const open = this.#open();
    if (open) open.phase = 'closed';
  }

  #add(call: KnownCall): CallState {
    const state: CallState = { call, phase: 'waiting', args: '', signature: null };
    this.#states.push(state);
    return state;
  }

  #open(): CallState | undefined {
    return this.#states.find((state) => state.phase === 'open');
  }

  *#start(state: CallState): Generator<NeutralEvent> {
    this.closeOpen();
    state.phase = 'open';
    const { id, name } = state.call;
    const signed = state.signature === null ? {} : { signature: state.signature };
    yield* this.#block.start({ type: 'tool-start', id, name, ...signed });
    if (state.args !== '') yield { type: 'tool-delta', arguments: state.args };
  }
}

function argumentsOf(piece: Json): string {
  const args = jsonOf(piece.function).arguments;
  return isJson(args) ? JSON.stringify(args) : textOf(args);
}

function isComplete(args: string): boolean {
  return args.endsWith('}') && isJson(parseJson(args));
}
