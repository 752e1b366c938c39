import type { NeutralStop } from '@ownkey/contract/neutral';

const READ: Readonly<Record<string, NeutralStop>> = {
  end_turn: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  stop_sequence: 'stop-sequence',
  tool_use: 'tool-calls',
  pause_turn: 'pause',
  refusal: 'refusal',
};

/** What a stop reason means; unknown ones are an ordinary end. */
export function readStop(reason: string): NeutralStop {
  return READ[reason] ?? 'stop';
}

const WRITTEN: Readonly<Record<NeutralStop, string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  'tool-calls': 'tool_use',
  'content-filter': 'refusal',
  'stop-sequence': 'stop_sequence',
  refusal: 'refusal',
  pause: 'pause_turn',
};

export function writeStop(stop: NeutralStop): string {
  return WRITTEN[stop];
}
