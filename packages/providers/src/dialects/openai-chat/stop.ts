import type { NeutralStop } from '@ownkey/contract/neutral';

const READ: Readonly<Record<string, NeutralStop>> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool-calls',
  function_call: 'tool-calls',
  content_filter: 'content-filter',
};

/** What a finish reason means. "stop" beside tool calls is a provider's slip; unknown reasons are an ordinary end. */
export function readFinish(reason: string, hasCalls: boolean, isRefused: boolean): NeutralStop {
  const stop = READ[reason] ?? 'stop';
  if (isRefused && stop === 'stop') return 'refusal';
  return hasCalls && stop === 'stop' ? 'tool-calls' : stop;
}

const WRITTEN: Readonly<Record<NeutralStop, string>> = {
  stop: 'stop',
  length: 'length',
  'tool-calls': 'tool_calls',
  'content-filter': 'content_filter',
  'stop-sequence': 'stop',
  refusal: 'content_filter',
  pause: 'stop',
};

/** `isRefused`: the refusal's own text is in the answer; then it ends as any other. */
export function writeFinish(stop: NeutralStop, isRefused: boolean): string {
  return stop === 'refusal' && isRefused ? 'stop' : WRITTEN[stop];
}
