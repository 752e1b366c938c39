/** Whether a call's address is the one its key is bound to. */
import { CUSTOM_PROVIDER, catalogueDestination } from '@ownkey/contract/key';
import { type BaseUrl, checkBaseUrl } from '@ownkey/guard/base-url';
import type { EgressPolicy } from '@ownkey/guard/egress-policy';
import { EgressError, type KeyRef } from './egress.ts';

export interface DestinationRules {
  readonly policy: EgressPolicy;
  /** Base URL of a catalogue provider by the worker's own configuration, without trailing slash; null = unknown provider. */
  readonly catalogueBaseUrl: (provider: string) => string | null;
}

/**
 * The checked address, or a refusal before any connection. A catalogue key goes only where the worker's own configuration says,
 * whatever the caller or the database say; a custom endpoint's key only to the origin it was sealed for.
 * @throws EgressError `key.destination_changed`, `provider.unreachable`
 */
export function checkDestination(key: KeyRef, baseUrl: string, rules: DestinationRules): BaseUrl {
  const checked = checkBaseUrl(baseUrl, rules.policy);
  if (key.provider === CUSTOM_PROVIDER) {
    if (originOf(baseUrl) !== key.destination) throw changed();
  } else if (
    key.destination !== catalogueDestination(key.provider) ||
    rules.catalogueBaseUrl(key.provider) !== baseUrl
  ) {
    throw changed();
  }
  if (!checked.ok) throw new EgressError('provider.unreachable', `base URL refused: ${checked.problem}`, false);
  return checked.url;
}

function originOf(baseUrl: string): string | null {
  return URL.canParse(baseUrl) ? new URL(baseUrl).origin : null;
}

function changed(): EgressError {
  return new EgressError('key.destination_changed', 'the call goes elsewhere than its key is bound to', false);
}
