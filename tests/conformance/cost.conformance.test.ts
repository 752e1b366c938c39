import { join } from 'node:path';
import { parseUsd } from '@ownkey/contract/money';
import { SHIPPED_POLICIES } from '@ownkey/contract/policies';
import type { Usage } from '@ownkey/contract/usage';
import { boundCost, type CostBound } from '@ownkey/policy/bound-cost';
import { costOf } from '@ownkey/policy/price';
import { PriceBook } from '@ownkey/policy/price-book';
import { readBody } from '@ownkey/policy/read-body';
import { readFeatures } from '@ownkey/policy/request-features';
import { loadCatalogue, maxOutputTokens, resolveProvider } from '@ownkey/providers/catalogue';
import { readChatUsage } from '@ownkey/providers/dialects/openai-chat/read-usage';
import { buildPrices } from '@ownkey/server/domain/prices/build-prices';
import { describe, expect, test } from 'vitest';
import {
  NOT_PUBLISHED_ANY_MORE,
  PUBLISHED,
  type PublishedRates,
  SEED_LAGS,
  WITHOUT_A_PRICE,
} from './published-rates.ts';
import { recordedTokens, reportedNanoUsd, type Tokens } from './recorded-tokens.ts';
import { answerBytes, type Recording, readRecordings, targetOf, WIRE_OF_ENDPOINT } from './recording.ts';
import { replay } from './replay.ts';
import { prepare } from './retell.ts';

/**
 * What each recorded call cost: by the product (usage it reads, price it was seeded with, or what the provider says it charged)
 * and by a calculation of its own from the recording's own counts and the rates providers publish. `OWNKEY_RECORDINGS` names the
 * folder; without it only the formula is tested. Fees of tools a provider runs are in neither.
 */
const folder = process.env.OWNKEY_RECORDINGS;
const CATALOGUE = join(import.meta.dirname, '../../catalogue');
const catalogue = loadCatalogue(CATALOGUE);
/** Outside of every hour with a price of its own. */
const AT = Date.parse('2026-11-28T12:00:00Z');
const book = new PriceBook(
  buildPrices(CATALOGUE, catalogue).map((price, i) => ({
    ...price,
    id: String(i),
    origin: 'catalogue' as const,
    companyId: null,
  })),
);

/** Nano-USD, rounded up: tokens of each kind times its rate per million, by hand. */
function byHand(rates: PublishedRates, tokens: Tokens): number {
  const all = tokens.plain + tokens.cacheRead + tokens.cacheWrite5m + tokens.cacheWrite1h;
  const { input, output, cacheRead, cacheWrite5m, cacheWrite1h } =
    rates.long !== undefined && all > rates.long.above ? rates.long : rates;
  // A millionth of a USD per million tokens is a thousandth of a nano-USD per token: whole numbers throughout.
  const millionths = (usd: number): number => Math.round(usd * 1e6);
  const thousandths =
    tokens.plain * millionths(input) +
    tokens.cacheRead * millionths(cacheRead ?? input) +
    tokens.cacheWrite5m * millionths(cacheWrite5m ?? input) +
    tokens.cacheWrite1h * millionths(cacheWrite1h ?? input) +
    tokens.output * millionths(output);
  return Math.ceil(thousandths / 1000);
}

test('the calculation by hand is that of a published example', () => {
  // 200 plain, 1000 read and 100 written tokens, 50 of output at 3, 0.3, 3.75 and 15 USD.
  const tokens = { plain: 200, cacheRead: 1000, cacheWrite5m: 100, cacheWrite1h: 0, output: 50 };
  const rates = { input: 3, output: 15, cacheRead: 0.3, cacheWrite5m: 3.75 };
  expect(byHand(rates, tokens)).toBe(600_000 + 300_000 + 375_000 + 750_000);
});

interface Case {
  name: string;
  /** `<provider>/<model as asked for>`. */
  model: string;
  recording: Recording;
  tokens: Tokens;
  usage: Usage;
}

const APPLICABLE = ['embeddings', ...Object.keys(WIRE_OF_ENDPOINT)];

function casesOf(recordings: readonly Recording[]): Case[] {
  return recordings.flatMap((recording) => {
    const { endpoint, response, request, file } = recording;
    if (response.status >= 400 || !APPLICABLE.includes(endpoint)) return [];
    const tokens = recordedTokens(recording);
    const usage = usageOf(recording);
    if (tokens === null) {
      expect(usage, file).toBeNull();
      return [];
    }
    if (usage === null) throw new Error(`${file}: the usage it reports was not read`);
    const provider = resolveProvider(catalogue, recording.provider)?.id ?? recording.provider;
    return [{ name: file, model: `${provider}/${String(request.body.model)}`, recording, tokens, usage }];
  });
}

/** What the product reads from the answer; null where the provider reports nothing. */
function usageOf(recording: Recording): Usage | null {
  const target = targetOf(catalogue, recording);
  const { status, headers, body } = recording.response;
  if (recording.endpoint === 'embeddings')
    return readChatUsage(
      typeof body === 'object' && body !== null ? Reflect.get(body, 'usage') : null,
      target.entry.quirks,
    );
  const wire = WIRE_OF_ENDPOINT[recording.endpoint];
  if (wire === undefined) throw new Error(`no dialect speaks ${recording.endpoint}`);
  const exchange = prepare(target, wire, recording.request.body, String(recording.request.body.model));
  const replayed = replay(exchange, { status, headers, bytes: answerBytes(recording) });
  return replayed.usage?.basis === 'reported' ? replayed.usage.usage : null;
}

function seeded({ model, usage }: Case): number | null {
  const [slug = '', ...rest] = model.split('/');
  const row = book.find(slug, rest.join('/'), AT);
  return row === null ? null : Number(costOf(row.rates, usage, AT));
}

/** What the gateway would have reserved for the recorded request; null without a price. */
function boundOf({ model, recording: { request, endpoint, provider } }: Case): CostBound | null {
  const [slug = '', ...rest] = model.split('/');
  const row = book.find(slug, rest.join('/'), AT);
  if (row === null) return null;
  const bytes = Buffer.from(JSON.stringify(request.body));
  const wire = WIRE_OF_ENDPOINT[endpoint] ?? 'openai-chat';
  const { maxTokens, choices } = readBody(bytes, wire);
  const entry = resolveProvider(catalogue, provider);
  return boundCost({
    model: rest.join('/'),
    rates: row.rates,
    provider: slug,
    bodyBytes: bytes.length,
    features: readFeatures(bytes, wire),
    generates: endpoint !== 'embeddings',
    maxTokens,
    modelMaxTokens: (entry && maxOutputTokens(entry, rest.join('/'))) ?? null,
    choices,
    policies: SHIPPED_POLICIES,
  });
}

if (folder)
  describe('recorded calls', () => {
    const cases = casesOf(readRecordings(folder));
    const reported = cases.filter(({ recording }) => reportedNanoUsd(recording) !== null);
    const others = cases.filter((one) => !reported.includes(one));
    const of = (models: readonly string[]): Case[] => others.filter(({ model }) => models.includes(model));

    test('are all accounted for', () => {
      const known = [PUBLISHED, SEED_LAGS].flatMap((table) => Object.keys(table));
      const listed = [...known, ...NOT_PUBLISHED_ANY_MORE, ...WITHOUT_A_PRICE];
      expect([...new Set(others.map(({ model }) => model))].filter((model) => !listed.includes(model))).toEqual([]);
      expect(cases.length).toBeGreaterThan(90);
    });

    test.each(of(Object.keys(PUBLISHED)))('$name costs what the published rates make of it', (one) => {
      const rates = PUBLISHED[one.model]?.rates;
      expect(seeded(one)).toBe(rates === undefined ? null : byHand(rates, one.tokens));
    });

    test.each(reported)('$name costs what the provider says, to the nano-USD', ({ recording, usage }) => {
      const cost = usage.providerCostUsd === undefined ? null : parseUsd(usage.providerCostUsd);
      expect(cost === null ? null : Number(cost)).toBe(reportedNanoUsd(recording));
    });

    test('at an aggregator come to what it reported by the seeded price too, where one endpoint serves the model', () => {
      const compared = reported.filter(({ model }) =>
        /^openrouter\/(?:anthropic\/|google\/|openai\/o1|openai\/text-)/.test(model),
      );
      const different = compared.filter(
        (one) => seeded(one) !== null && seeded(one) !== reportedNanoUsd(one.recording),
      );
      expect(different.map(({ name }) => name)).toEqual([]);
      expect(compared.length).toBeGreaterThan(4);
    });

    test.each(of(Object.keys(SEED_LAGS)))('$name costs more by its seeded price than by the published one', (one) => {
      const rates = SEED_LAGS[one.model]?.rates;
      expect(seeded(one)).toBeGreaterThan(rates === undefined ? Number.POSITIVE_INFINITY : byHand(rates, one.tokens));
    });

    test('never come to more than the bound of their request, but for what a cap refuses', () => {
      const bounded = cases.flatMap((one) => {
        const bound = boundOf(one);
        return bound === null || bound.unbounded.length > 0
          ? []
          : [{ name: one.name, worst: bound.worst, cost: seeded(one) }];
      });
      expect(bounded.filter(({ worst, cost }) => Number(worst) < (cost ?? 0)).map(({ name }) => name)).toEqual([]);
      expect(bounded.length).toBeGreaterThan(70);
    });

    test('of models without a public price have no cost, which is not 0', () => {
      expect(of(WITHOUT_A_PRICE).map(seeded)).toEqual(of(WITHOUT_A_PRICE).map(() => null));
      expect(of(NOT_PUBLISHED_ANY_MORE).map(seeded)).not.toContain(null);
    });
  });
