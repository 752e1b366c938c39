import type { Recording } from './recording.ts';

/** Tokens of a recorded call by what they cost, counted from the provider's own numbers. Each token is in one of them. */
export interface Tokens {
  plain: number;
  cacheRead: number;
  cacheWrite5m: number;
  cacheWrite1h: number;
  output: number;
}

type Numbers = Record<string, unknown>;

/** The counts a recording reports, read without the product's own readers; null where it reports none. */
export function recordedTokens(recording: Recording): Tokens | null {
  const usage = usageIn(recording);
  if (usage === null) return null;
  if (recording.endpoint === 'messages') return ofMessages(usage);
  const input = count(usage.prompt_tokens) + count(usage.input_tokens);
  const details = objectIn(usage.prompt_tokens_details ?? usage.input_tokens_details);
  const cacheRead = count(details.cached_tokens ?? usage.prompt_cache_hit_tokens ?? usage.cached_tokens);
  const cacheWrite5m = count(details.cache_write_tokens);
  let output = count(usage.completion_tokens) + count(usage.output_tokens);
  // Two of them count thinking beside the completion; it is in the total alone.
  if (BESIDE.has(recording.provider) && usage.total_tokens !== undefined)
    output = Math.max(output, count(usage.total_tokens) - input);
  return { plain: input - cacheRead - cacheWrite5m, cacheRead, cacheWrite5m, cacheWrite1h: 0, output };
}

const BESIDE: ReadonlySet<string> = new Set(['gemini', 'xai']);

/** Input leaves out what was read from the cache and written to it. */
function ofMessages(usage: Numbers): Tokens {
  const written = count(usage.cache_creation_input_tokens);
  const cacheWrite1h = count(objectIn(usage.cache_creation).ephemeral_1h_input_tokens);
  return {
    plain: count(usage.input_tokens),
    cacheRead: count(usage.cache_read_input_tokens),
    cacheWrite5m: written - cacheWrite1h,
    cacheWrite1h,
    output: count(usage.output_tokens),
  };
}

/** What the provider says it charged, in nano-USD; null where it does not say. */
export function reportedNanoUsd(recording: Recording): number | null {
  const usage = usageIn(recording) ?? {};
  const ticks = usage.cost_in_usd_ticks;
  if (typeof ticks === 'number') return Math.floor(ticks / 10);
  const upstream = objectIn(usage.cost_details).upstream_inference_cost;
  const own = usage.is_byok === true && typeof upstream === 'number' ? upstream : usage.cost;
  const cost = typeof own === 'object' && own !== null ? objectIn(own).total_cost : own;
  return typeof cost === 'number' ? Math.round(cost * 1e9) : null;
}

/** Every usage object of the answer laid over the ones before it: later events of a stream complete the earlier. */
function usageIn({ response }: Recording): Numbers | null {
  const bodies = response.sse === undefined ? [response.body] : eventsIn(response.sse);
  const found = bodies.flatMap((body) => {
    const { usage, message, response: whole, x_groq: extra } = objectIn(body);
    const places = [usage, objectIn(message).usage, objectIn(whole).usage, objectIn(extra).usage];
    return places.filter((place) => typeof place === 'object' && place !== null).map(objectIn);
  });
  return found.length === 0 ? null : Object.assign({}, ...found);
}

function eventsIn(sse: string): unknown[] {
  return sse.split(/\r?\n/).flatMap((line) => {
    const data = /^data: ?(\{.*)$/.exec(line)?.[1];
    return data === undefined ? [] : [JSON.parse(data)];
  });
}

function objectIn(value: unknown): Numbers {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

function count(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
