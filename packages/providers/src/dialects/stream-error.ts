import type { ProviderFailure } from '@ownkey/contract/dialect';
import type { Wire } from '@ownkey/contract/provider';
import { sseText } from '../sse.ts';
import { errorBody } from '../write-error.ts';

/** The wire's own error event inside a stream that has begun, after which nothing follows. */
export function streamError(wire: Wire, failure: ProviderFailure, sequence = 0): string {
  if (wire === 'openai-chat') return sseText(errorBody(wire, failure));
  if (wire === 'anthropic-messages') return sseText(errorBody(wire, failure), 'error');
  const { code, message, param } = failure;
  const event = { type: 'error', code: code ?? failure.type ?? 'server_error', message, param: param ?? null };
  return sseText({ ...event, sequence_number: sequence }, 'error');
}
