import type { ProviderFailure } from '@ownkey/contract/dialect';
import type { NeutralEvent } from '@ownkey/contract/neutral';

/** A stream that ended before its answer did. */
export const CUT: ProviderFailure = {
  kind: 'unreadable',
  status: 502,
  type: null,
  code: 'provider.cut',
  message: 'The provider ended the answer in the middle.',
  requestId: null,
  retryAfterMs: null,
};

export function cutEvent(): NeutralEvent {
  return { type: 'error', failure: CUT };
}
