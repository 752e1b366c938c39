import type { PriceRow } from '@ownkey/contract/price';
import { PriceBook } from '@ownkey/policy/price-book';
import type { Database } from '../../storage/database.ts';
import { fillRates } from './fill-rates.ts';
import { nanoOf } from './nano-rate.ts';
import { type SourcedPrice, seedPrices } from './seed.ts';
import { listStored } from './store.ts';

const SOURCE = 'sandbox';

/** What a model of a simulated provider costs, in USD. */
export interface SandboxPrice {
  readonly provider: string;
  readonly model: string;
  readonly input_usd_per_mtok: number;
  readonly output_usd_per_mtok: number;
  readonly request_usd: number;
}

/**
 * Development only: models of the simulated providers that have no other price are given that of the sandbox, so that calls of
 * them cost something. Those that another price covers since have theirs ended.
 */
export async function seedSandboxPrices(database: Database, told: readonly SandboxPrice[]): Promise<void> {
  const stored = await database.everywhere((sql) => listStored(sql, { companyId: null }, new Date()));
  await seedPrices(database, { origin: 'sandbox', prices: pricesOf(told, stored) });
}

function pricesOf(told: readonly SandboxPrice[], stored: readonly PriceRow[]): SourcedPrice[] {
  const book = new PriceBook(stored.filter(({ origin }) => origin === 'catalogue'));
  return told
    .filter(({ provider, model }) => book.find(provider, model, Date.now()) === null)
    .map(({ provider, model, ...price }) => {
      const base = fillRates({
        input: nanoOf(price.input_usd_per_mtok),
        output: nanoOf(price.output_usd_per_mtok),
        request: nanoOf(price.request_usd),
      });
      return {
        slug: provider,
        model,
        match: null,
        rates: { base, tiers: [], windows: [], unbounded: [] },
        contextTokens: null,
        validFrom: 0,
        endedAt: null,
        position: 0,
        source: SOURCE,
      };
    });
}

/** Reads what the sandbox told; what is none of its prices is left out. */
export function readSandboxPrices(value: unknown): SandboxPrice[] {
  return Array.isArray(value) ? value.filter(isSandboxPrice) : [];
}

function isSandboxPrice(value: unknown): value is SandboxPrice {
  if (typeof value !== 'object' || value === null) return false;
  const member = (name: keyof SandboxPrice): unknown => Reflect.get(value, name);
  const numbers = [member('input_usd_per_mtok'), member('output_usd_per_mtok'), member('request_usd')];
  return (
    typeof member('provider') === 'string' &&
    typeof member('model') === 'string' &&
    numbers.every((number) => typeof number === 'number' && number >= 0)
  );
}
