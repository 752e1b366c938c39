import type { ProviderFailure } from '@ownkey/contract/dialect';

/** A provider's failure with every text of the provider scrubbed: some repeat the key in a message, some in a field's name. */
export function scrubFailure(failure: ProviderFailure, scrub: (text: string) => string): ProviderFailure {
  const orNull = (text: string | null | undefined): string | null => (text ? scrub(text) : null);
  return {
    ...failure,
    message: scrub(failure.message),
    type: orNull(failure.type),
    code: orNull(failure.code),
    param: orNull(failure.param),
    requestId: orNull(failure.requestId),
  };
}
