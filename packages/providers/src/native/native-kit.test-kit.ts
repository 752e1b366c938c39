import { join } from 'node:path';
import type { CallerRequest } from '@ownkey/contract/dialect';
import type { Quirks, Wire } from '@ownkey/contract/provider';
import { customTarget, loadCatalogue } from '../catalogue.ts';
import { prepareExchange } from '../exchange.ts';

const catalogue = loadCatalogue(join(import.meta.dirname, '../../../../catalogue'));
export const LIMITS = { answerBytesMax: 1_000_000 };

/** A provider with these quirks and nothing else of note. */
export function targetWith(quirks: Quirks, dialect: Wire = 'openai-chat') {
  const target = customTarget(catalogue, null, 'acme', 'https://endpoint.example/v1');
  return { ...target, entry: { ...target.entry, dialect, quirks } };
}

/** A request as routing hands it on: its model's place found. */
export function requestOf(body: string, extra: Partial<CallerRequest> = {}): CallerRequest {
  const bytes = Buffer.from(body);
  const model = /"model"\s*:\s*("[^"]*")/.exec(body);
  const start = Buffer.byteLength(body.slice(0, (model?.index ?? 0) + (model?.[0].indexOf(model[1] ?? '') ?? 0)));
  return {
    wire: 'openai-chat',
    body: bytes,
    modelRange: model ? { start, end: start + Buffer.byteLength(model[1] ?? '') } : null,
    stream: /"stream"\s*:\s*true/.test(body),
    upstreamModel: 'm-1',
    callerModel: 'acme/m-1',
    headers: {},
    ...extra,
  };
}

export const SSE = { 'content-type': 'text/event-stream' };
export const delta = (fields: object, finish: string | null = null, extra: object = {}): string =>
  `data: ${JSON.stringify({ id: 'a', choices: [{ index: 0, delta: fields, finish_reason: finish }], ...extra })}\n\n`;
export const USAGE = { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 };
export const USAGE_CHUNK = `data: ${JSON.stringify({ id: 'a', choices: [], usage: USAGE })}\n\n`;
export const DONE = 'data: [DONE]\n\n';

/** Reads a stream through an exchange, in pieces of the given sizes in turn. */
export function stream(quirks: Quirks, answer: string, options: { body?: string; sizes?: number[]; wire?: Wire } = {}) {
  const { body = '{"model":"a/b","stream":true}', sizes = [answer.length || 1], wire = 'openai-chat' } = options;
  const reader = prepareExchange(targetWith(quirks, wire), requestOf(body, { wire }), LIMITS).reader();
  reader.head(200, SSE);
  const bytes = Buffer.from(answer);
  let out = '';
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    out += reader.push(Buffer.from(bytes.subarray(at, at + size)))?.toString() ?? '';
    at += size;
  }
  out += reader.end()?.toString() ?? '';
  return { out, reader };
}
