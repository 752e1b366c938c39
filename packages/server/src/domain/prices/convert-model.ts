import type { PriceRates, PriceRow, RateWindow } from '@ownkey/contract/price';
import type { ConditionalPrice, ModelInfo, ModelPrice, TimeOfDateConstraint } from '@pydantic/genai-prices';
import { convertRates, unboundedParts } from './convert-rates.ts';

/** A price as it is seeded: what is stored but for its id, origin and owner. Prices without a date hold since ever (0). */
export type SeedPrice = Omit<PriceRow, 'id' | 'origin' | 'companyId'>;

/**
 * The rows of one model of the library: one for each period between start dates, with the hours of the day as windows. Where a
 * model has no price of input tokens in a period there is no row, and its price is unknown. `position`: its place in the library.
 */
export function convertModel(slug: string, model: ModelInfo, position: number): SeedPrice[] {
  const entries: readonly ConditionalPrice[] = Array.isArray(model.prices) ? model.prices : [{ prices: model.prices }];
  const starts = [0, ...new Set(entries.flatMap((entry) => startOf(entry) ?? []))].sort((a, b) => a - b);
  return starts.flatMap((validFrom, i) => {
    const rates = ratesFrom(model.id, entries, validFrom);
    if (rates === null) return [];
    const contextTokens = model.context_window ?? null;
    return [
      {
        slug,
        model: model.id,
        match: model.match,
        rates,
        contextTokens,
        validFrom,
        endedAt: starts[i + 1] ?? null,
        position,
      },
    ];
  });
}

/** The library looks from the last entry to the first: hours that apply come before the date or price they are met with. */
function ratesFrom(model: string, entries: readonly ConditionalPrice[], at: number): PriceRates | null {
  const windows: RateWindow[] = [];
  const used: ModelPrice[] = [];
  let base = entries[0]?.prices ?? {};
  for (const entry of entries.toReversed()) {
    const { constraint, prices } = entry;
    const start = startOf(entry);
    if (start !== null && start > at) continue;
    if (constraint?.type !== 'time_of_date') {
      base = prices;
      break;
    }
    const rates = convertRates(prices);
    if (rates === null) return null;
    used.push(prices);
    windows.push({ ...windowOf(constraint), ...rates });
  }
  const rates = convertRates(base);
  if (rates === null) return null;
  const unbounded = new Set([base, ...used].flatMap((price) => unboundedParts(model, price)));
  return { ...rates, windows, unbounded: [...unbounded].sort() };
}

function startOf({ constraint }: ConditionalPrice): number | null {
  return constraint?.type === 'start_date' ? Date.parse(`${constraint.start_date}T00:00:00Z`) : null;
}

function windowOf({ start_time, end_time }: TimeOfDateConstraint): { from: string; to: string } {
  return { from: minuteOf(start_time), to: minuteOf(end_time) };
}

/** @throws Error for a time that is no whole minute of UTC: windows have no finer grain */
function minuteOf(time: string): string {
  const match = /^(\d{2}:\d{2}):00Z$/.exec(time);
  if (match?.[1] === undefined) throw new Error(`no minute of the day in UTC: ${time}`);
  return match[1];
}
