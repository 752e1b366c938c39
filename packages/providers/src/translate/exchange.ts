import { type CallerRequest, type Exchange, UnsupportedFeature } from '@ownkey/contract/dialect';
import type { ProviderTarget, Wire } from '@ownkey/contract/provider';

export function translatedExchange(
  target: ProviderTarget,
  wire: Wire,
  request: CallerRequest,
  _answerBytesMax: number,
  _addUsage: boolean,
): Exchange {
  throw new UnsupportedFeature('model', `${request.wire} cannot be spoken to ${target.entry.name} (${wire}) yet.`);
}
