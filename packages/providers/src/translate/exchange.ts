import { type CallerRequest, type Exchange, UnsupportedFeature } from '@ownkey/contract/dialect';
import type { ProviderTarget, Wire } from '@ownkey/contract/provider';
import { isJson, parseJson } from '../json.ts';
import { refusesUsage, upstreamHeaders, WIRE_PATHS } from '../upstream.ts';
import { DIALECTS } from './dialects.ts';
import { TranslatedReader } from './reader.ts';

/** A call to a provider of another wire than the caller's: both ways through the neutral form. Throws UnsupportedFeature. */
export function translatedExchange(
  target: ProviderTarget,
  wire: Wire,
  request: CallerRequest,
  answerBytesMax: number,
  addUsage: boolean,
): Exchange {
  const body = request.parsed ?? parseJson(request.body.toString());
  if (!isJson(body)) throw new UnsupportedFeature('body', 'The body is not a JSON object.');
  const neutral = { ...DIALECTS[request.wire].readRequest(body, wire), model: request.upstreamModel };
  const { entry } = target;
  const built = DIALECTS[wire].buildRequest(neutral, entry, addUsage);
  const context = {
    model: request.callerModel,
    created: Math.floor(Date.now() / 1000),
    includeUsage: neutral.streamUsage,
    inputEstimate: Math.ceil(request.body.length / 4),
    request: body,
  };
  return {
    request: {
      method: 'POST',
      path: WIRE_PATHS[wire],
      headers: upstreamHeaders(entry, wire, null, request.stream),
      body: Buffer.from(JSON.stringify(built)),
    },
    reader: () =>
      new TranslatedReader({
        callerWire: request.wire,
        wire,
        entry,
        stream: request.stream,
        answerBytesMax,
        context,
      }),
    withoutAddedParameters: (failure) =>
      addUsage && built.stream_options !== undefined && refusesUsage(failure)
        ? translatedExchange(target, wire, request, answerBytesMax, false)
        : null,
  };
}
