import type { CallerRequest, Exchange, PrepareExchange } from '@ownkey/contract/dialect';
import type { ProviderTarget } from '@ownkey/contract/provider';
import { NativeReader } from './native/reader.ts';
import { nativeBody } from './native/request.ts';
import { sideExchange } from './side-tasks.ts';
import { translatedExchange } from './translate/exchange.ts';
import { refusesUsage, upstreamHeaders, upstreamWire, WIRE_PATHS } from './upstream.ts';

/**
 * Prepares one call: what to send and how to read the answer. Same wire = the caller's own bytes; another wire = translation
 * through the neutral form. Pure. Throws UnsupportedFeature (`param` names the field) and JsonScanError for bodies nobody read.
 */
export const prepareExchange: PrepareExchange = (target, request, limits) => {
  if (request.task !== undefined && request.task !== 'answer') {
    return sideExchange(target, request, request.task, limits.answerBytesMax);
  }
  const wire = upstreamWire(target.entry, request.wire);
  if (wire === request.wire) return nativeExchange(target, request, limits.answerBytesMax, true);
  return translatedExchange(target, wire, request, limits.answerBytesMax, true);
};

function nativeExchange(
  target: ProviderTarget,
  request: CallerRequest,
  answerBytesMax: number,
  addUsage: boolean,
): Exchange {
  const { wire } = request;
  const { body, addedUsage } = nativeBody(target, request, addUsage);
  return {
    request: {
      method: 'POST',
      path: WIRE_PATHS[wire],
      headers: upstreamHeaders(target.entry, wire, request),
      body,
    },
    reader: () => new NativeReader({ wire, entry: target.entry, hideUsage: addedUsage, answerBytesMax }),
    withoutAddedParameters: (failure) =>
      addedUsage && refusesUsage(failure) ? nativeExchange(target, request, answerBytesMax, false) : null,
  };
}
