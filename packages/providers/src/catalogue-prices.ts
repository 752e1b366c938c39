import { join } from 'node:path';
import { type Catalogue, CatalogueError, readFolder } from './catalogue.ts';
import { type Check, checkFields, is } from './strict.ts';

/** USD per million tokens as decimals; `request`: USD on top of each request. */
export interface WrittenRates {
  readonly input: string;
  readonly output: string;
  readonly cached_input?: string;
  readonly cache_write_5m?: string;
  readonly cache_write_1h?: string;
  readonly request?: string;
}

/** The price of one model as somebody read it. A tier or an hour has rates of its own; it takes over the fee for a request alone. */
export interface WrittenPrice extends WrittenRates {
  /** The very name that calls ask for. */
  readonly model: string;
  /** Rates of the whole request once its input has more tokens; ascending. */
  readonly tiers?: readonly (WrittenRates & { readonly above_input_tokens: number })[];
  /** Other rates between two times of the day, UTC; `to` is not included. They have no tiers. */
  readonly hours?: readonly (WrittenRates & { readonly from: string; readonly to: string })[];
  /** Where the figures were read, and when. */
  readonly source: string;
  readonly read_on: string;
}

/** By catalogue id. */
export type WrittenPrices = ReadonlyMap<string, readonly WrittenPrice[]>;

/**
 * Reads `<directory>/prices/<catalogue id>.json`, strictly: prices that come before those of the price library. The server alone
 * needs them. Synchronous, for use at start. @throws CatalogueError with all problems of all files
 */
export function loadPrices(directory: string, catalogue: Catalogue): WrittenPrices {
  const problems: string[] = [];
  const files = readFolder(join(directory, 'prices'), 'prices', readPrices, problems);
  for (const id of files.keys())
    if (!catalogue.entries.has(id)) problems.push(`prices/${id}.json: the catalogue has no provider "${id}"`);
  if (problems.length > 0) throw new CatalogueError(problems);
  return new Map([...files].map(([id, { models }]) => [id, models]));
}

function readPrices(id: string, data: unknown, problems: string[]): { id: string; models: WrittenPrice[] } {
  const { models } = checkFields<{ models: WrittenPrice[] }>(data, { models: is.list(PRICE) }, '', problems);
  if (problems.length === 0) checkNames(models, problems);
  return { id, models };
}

const RATES: Record<string, Check> = {
  input: is.usd,
  output: is.usd,
  'cached_input?': is.usd,
  'cache_write_5m?': is.usd,
  'cache_write_1h?': is.usd,
  'request?': is.usd,
};

const PRICE: Check = is.object({
  model: is.filled,
  ...RATES,
  'tiers?': is.list(is.object({ above_input_tokens: is.count, ...RATES })),
  'hours?': is.list(is.object({ from: is.minute, to: is.minute, ...RATES })),
  source: is.webAddress,
  read_on: is.day,
});

/** What one field alone does not tell; the fields are known to be good. */
function checkNames(models: readonly WrittenPrice[], problems: string[]): void {
  const seen = new Set<string>();
  models.forEach(({ model, tiers = [] }, i) => {
    if (model !== model.trim()) problems.push(`models[${i}].model must not begin or end with a blank`);
    if (seen.has(model)) problems.push(`models[${i}].model is there twice: ${model}`);
    seen.add(model);
    const starts = tiers.map(({ above_input_tokens: above }) => above);
    if (starts.some((above, tier) => above <= (starts[tier - 1] ?? 0)))
      problems.push(`models[${i}].tiers must ascend by above_input_tokens, from more than 0`);
  });
}
