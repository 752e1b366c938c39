import type { Rates, TieredRates } from '@ownkey/contract/price';
import type { ModelPrice } from '@pydantic/genai-prices';
import { fillRates } from './fill-rates.ts';
import { nanoOf } from './nano-rate.ts';

type Key =
  | 'input_mtok'
  | 'output_mtok'
  | 'cache_read_mtok'
  | 'cache_write_mtok'
  | 'cache_write_1h_mtok'
  | 'requests_kcount';
const KEYS: readonly Key[] = [
  'input_mtok',
  'output_mtok',
  'cache_read_mtok',
  'cache_write_mtok',
  'cache_write_1h_mtok',
  'requests_kcount',
];
/** What the amount of a key pays for. */
const REQUESTS_PER_RATE = 1000;

/**
 * One price of the library in integers; null where it has no price of input tokens (free models, hours of audio, pages).
 * Tiers of single rates become tiers of all rates. No output price is none to pay: embeddings.
 */
export function convertRates(price: ModelPrice): TieredRates | null {
  if (price.input_mtok === undefined) return null;
  const starts = new Set(KEYS.flatMap((key) => tiersOf(price, key).map(({ start }) => start)));
  return {
    base: ratesAt(price, -1),
    tiers: [...starts].sort((a, b) => a - b).map((above) => ({ above, rates: ratesAt(price, above) })),
  };
}

/** Rates of a request with more than `above` input tokens. */
function ratesAt(price: ModelPrice, above: number): Rates {
  const rate = (key: Key): number | undefined => {
    const value = price[key];
    if (value === undefined) return undefined;
    let usd = typeof value === 'number' ? value : value.base;
    for (const tier of tiersOf(price, key)) if (above >= tier.start) usd = tier.price;
    return nanoOf(usd);
  };
  return fillRates({
    input: rate('input_mtok') ?? 0,
    output: rate('output_mtok') ?? 0,
    cachedInput: rate('cache_read_mtok'),
    cacheWrite5m: rate('cache_write_mtok'),
    cacheWrite1h: rate('cache_write_1h_mtok'),
    request: Math.ceil((rate('requests_kcount') ?? 0) / REQUESTS_PER_RATE),
  });
}

function tiersOf(price: ModelPrice, key: Key): readonly { start: number; price: number }[] {
  const value = price[key];
  return value === undefined || typeof value === 'number' ? [] : [...value.tiers].sort((a, b) => a.start - b.start);
}

/** Models that search whether asked to or not, so that no limit on tokens bounds what their searches cost. */
const SEARCHES_BY_ITSELF = /(?:^|\/)sonar|search-preview|search-api|deep-research/;
/** Output that costs many times what text costs, and that the model may choose. */
const OUTPUT_KINDS = { audio: 'output_audio_mtok', images: 'output_image_mtok', video: 'output_video_mtok' };

/** What a model charges beside tokens of text and a fee for the request, and no limit on those bounds. */
export function unboundedParts(model: string, price: ModelPrice): string[] {
  const parts = Object.entries(OUTPUT_KINDS).flatMap(([name, key]) => (price[key] === undefined ? [] : [name]));
  if (price.output_citation_mtok !== undefined) parts.push('citations');
  if (price.output_reasoning_mtok !== undefined) parts.push('reasoning');
  if (SEARCHES_BY_ITSELF.test(model.toLowerCase()) && price.requests_kcount === undefined) parts.push('searches');
  return parts.sort();
}
