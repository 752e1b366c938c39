import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { type Answer, type GatewayUnderTest, send, startGateway } from './gateway.ts';
import { useTestDatabase } from './postgres.ts';
import { seedCompany, seedKey, seedPrice, seedToken } from './worker-rows.ts';

export const USD = 1_000_000_000;
/** 2 USD per million tokens of an answer, 1 USD per million of input. Its maximum is in the catalogue. */
export const PRICED = 'openai/gpt-4o';
/** The same price; nobody says what it answers with at most. */
export const NO_LIMIT_KNOWN = 'openai/no-limit-known';

/** A gateway whose provider the test plays (it answers with 1,000 tokens of input and 500 of output), with a company for each test. */
export interface PricedGateway {
  readonly owner: Client;
  readonly gateway: GatewayUnderTest;
  readonly companyId: string;
  readonly token: string;
  readonly tokenId: string;
  /** A chat call of `PRICED` with a limit of 1,000 tokens, unless told otherwise. */
  call(more?: Record<string, unknown>, headers?: Record<string, string>): Promise<Answer>;
  setCap(period: string, amountNanoUsd: number | null, subject?: string): Promise<unknown>;
  /** The newest row of the company's calls; undefined when there is none. */
  lastRow(): Promise<CallRow>;
  /** What reached the provider last. */
  sentBody(): Record<string, unknown>;
}

/** What tests read of a row of `requests`, as the driver gives it. */
export interface CallRow {
  state: string;
  error_code: string | null;
  reserved_nano_usd: string;
  cost_nano_usd: string;
  cost_basis: string | null;
  price_id: string | null;
}

export const chat = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  model: PRICED,
  max_tokens: 1_000,
  messages: [],
  ...more,
});

export function usePricedGateway(): PricedGateway {
  const database = useTestDatabase();
  let owner: Client;
  let gateway: GatewayUnderTest;
  let companyId: string;
  let tokenId: string;
  let token: string;
  beforeAll(async () => {
    owner = await database.connect('owner');
    await owner.query('SET search_path = ownkey');
    await seedPrice(owner, { slug: 'openai', model: 'gpt-4o' });
    await seedPrice(owner, { slug: 'openai', model: 'no-limit-known' });
    gateway = await startGateway(database.workerUrl);
  });
  afterAll(() => gateway.close());
  beforeEach(async () => {
    companyId = await seedCompany(owner);
    ({ id: tokenId, token } = await seedToken(owner, companyId, ['inference', 'act_as_user']));
    await seedKey(owner, { companyId, provider: 'openai' });
    gateway.egress.calls.length = 0;
    gateway.egress.respond = (call) => call.answer(200, { said: 'hello', usage: { in: 1_000, out: 500 } });
  });
  return {
    get owner() {
      return owner;
    },
    get gateway() {
      return gateway;
    },
    get companyId() {
      return companyId;
    },
    get token() {
      return token;
    },
    get tokenId() {
      return tokenId;
    },
    call: (more = {}, headers = {}) =>
      send('POST', `${gateway.url}/v1/chat/completions`, { token, headers, body: chat(more) }),
    setCap: (period, amount, subject = 'company') =>
      owner.query(
        `INSERT INTO caps (company_id, subject, period, amount_nano_usd) VALUES ($1, $2, $3, $4)
         ON CONFLICT (company_id, subject, period) DO UPDATE SET amount_nano_usd = excluded.amount_nano_usd`,
        [companyId, subject, period, amount],
      ),
    lastRow: async () => {
      const newest = 'SELECT * FROM requests WHERE company_id = $1 ORDER BY created_at DESC LIMIT 1';
      return (await owner.query<CallRow>(newest, [companyId])).rows[0]!;
    },
    sentBody: () => JSON.parse(gateway.egress.calls.at(-1)?.body ?? '{}'),
  };
}
