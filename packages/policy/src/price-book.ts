import { type ModelMatch, PRICE_ORIGINS, type PriceRow } from '@ownkey/contract/price';

const NAMES_MAX = 10_000;

/**
 * Finds the price of a model: the company's own, the operator's, the catalogue's, the sandbox's, in this order; of several of one
 * origin, an exact name before a pattern, then the lowest position, then the one that came into force last. No price is `null`,
 * which is not the same as free.
 */
export class PriceBook {
  readonly #bySlug = new Map<string, PriceRow[]>();
  /** Rows that could price a name, by slug and name: the match is worked out once a name, the times at every question. */
  readonly #byName = new Map<string, readonly PriceRow[]>();

  constructor(rows: readonly PriceRow[]) {
    for (const row of rows) {
      const list = this.#bySlug.get(row.slug);
      if (list) list.push(row);
      else this.#bySlug.set(row.slug, [row]);
    }
  }

  /** `company`: rows of the company of the call; they are not part of the book. `at`: milliseconds since 1970. */
  find(slug: string, model: string, at: number, company: readonly PriceRow[] = []): PriceRow | null {
    const own = company.filter((row) => row.slug === slug && covers(row, model));
    const rows = [...own, ...this.#candidates(slug, model)].filter((row) => isInForce(row, at));
    let best: PriceRow | null = null;
    for (const row of rows) if (best === null || isBefore(row, best)) best = row;
    return best;
  }

  #candidates(slug: string, model: string): readonly PriceRow[] {
    const name = `${slug}/${model}`;
    let known = this.#byName.get(name);
    if (known === undefined) {
      known = this.#fitting(slug, model);
      if (this.#byName.size >= NAMES_MAX) this.#byName.clear();
      this.#byName.set(name, known);
    }
    return known;
  }

  /** Where no pattern fits the name as it is, those that fit it with its date written with dashes. */
  #fitting(slug: string, model: string): readonly PriceRow[] {
    const rows = this.#bySlug.get(slug) ?? [];
    const known = rows.filter((row) => covers(row, model));
    const dashed = withDashedDate(model);
    if (dashed === model || known.some((row) => row.match !== null)) return known;
    return [...known, ...rows.filter((row) => row.match !== null && covers(row, dashed))];
  }
}

/** `name-20250929` is `name-2025-09-29` to providers that write it so; anything that is no date stays. */
function withDashedDate(model: string): string {
  return model.replace(/-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/g, (text, year, month, day) => {
    const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
    return date.getUTCDate() === Number(day) ? `-${year}-${month}-${day}` : text;
  });
}

function covers(row: PriceRow, model: string): boolean {
  return row.match === null ? row.model.toLowerCase() === model.toLowerCase() : matchesModel(row.match, model);
}

function isInForce({ validFrom, endedAt }: PriceRow, at: number): boolean {
  return validFrom <= at && (endedAt === null || endedAt > at);
}

/** An exact name comes before a pattern of the same origin; then the lower position, the newer one, the one that came first. */
function isBefore(a: PriceRow, b: PriceRow): boolean {
  const origin = PRICE_ORIGINS.indexOf(a.origin) - PRICE_ORIGINS.indexOf(b.origin);
  if (origin !== 0) return origin < 0;
  if ((a.match === null) !== (b.match === null)) return a.match === null;
  const position = (a.position ?? 0) - (b.position ?? 0);
  if (position !== 0) return position < 0;
  return a.validFrom > b.validFrom;
}

export function matchesModel(match: ModelMatch, model: string): boolean {
  const name = model.toLowerCase().trim();
  if ('or' in match) return match.or.some((part) => matchesModel(part, model));
  if ('and' in match) return match.and.every((part) => matchesModel(part, model));
  if ('equals' in match) return name === match.equals.toLowerCase();
  if ('starts_with' in match) return name.startsWith(match.starts_with.toLowerCase());
  if ('ends_with' in match) return name.endsWith(match.ends_with.toLowerCase());
  if ('contains' in match) return name.includes(match.contains.toLowerCase());
  return new RegExp(match.regex).test(name);
}
