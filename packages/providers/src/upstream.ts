import type { CallerRequest, ProviderFailure } from '@ownkey/contract/dialect';
import type { CatalogueEntry, Wire } from '@ownkey/contract/provider';

/** Paths of the three wires, below a base URL. */
export const WIRE_PATHS: Readonly<Record<Wire, string>> = {
  'openai-chat': '/chat/completions',
  'openai-responses': '/responses',
  'anthropic-messages': '/messages',
};

/** The wire a provider is spoken to in, for a caller of this wire: the caller's own where the provider has it. */
export function upstreamWire(entry: CatalogueEntry, callerWire: Wire): Wire {
  return callerWire === 'openai-responses' && entry.abilities.responses ? callerWire : entry.dialect;
}

/** Whether a provider refused the one parameter that is ever added. */
export function refusesUsage(failure: ProviderFailure): boolean {
  const isRefusal = failure.status === 400 || failure.status === 422;
  return isRefusal && /stream_options|include_usage/.test(`${failure.param ?? ''} ${failure.message}`);
}

/** Headers of the wire that a caller may set for its provider; nothing else is passed on. */
const PASSED_HEADERS: Readonly<Record<Wire, readonly string[]>> = {
  'openai-chat': ['openai-beta'],
  'openai-responses': ['openai-beta'],
  'anthropic-messages': ['anthropic-version', 'anthropic-beta'],
};

/** `request` null: the caller spoke another wire, whose headers mean nothing here. */
export function upstreamHeaders(
  entry: CatalogueEntry,
  wire: Wire,
  request: CallerRequest | null,
  stream = request?.stream ?? false,
): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: stream ? 'text/event-stream' : 'application/json',
    ...entry.quirks.headers,
  };
  for (const name of request ? PASSED_HEADERS[wire] : []) {
    const value = request?.headers[name];
    if (value !== undefined) headers[name] = value;
  }
  return headers;
}
