import { newId } from '@ownkey/contract/ids';
import type { Limit } from '@ownkey/contract/spend';
import { sqlOf } from '@ownkey/worker/database';
import type { Hold, Reservation, ReserveOutcome, Settlement } from '@ownkey/worker/ledger/ledger';
import { PostgresLedger } from '@ownkey/worker/ledger/postgres-ledger';
import type { Client } from 'pg';
import { Pool } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { useTestDatabase } from './postgres.ts';
import { quiet } from './quiet-log.ts';
import { seedCompany } from './worker-rows.ts';

/** A ledger on a database of its own, with a company for each test. */
export interface LedgerKit {
  readonly owner: Client;
  readonly pool: Pool;
  /** The database as the control plane. */
  readonly controlUrl: string;
  readonly ledger: PostgresLedger;
  readonly companyId: string;
  /** A call of the company on the configuration now in force, which reserves 10 nano-USD unless told otherwise. */
  reservation(more?: Partial<Reservation>): Promise<Reservation>;
  ask(more?: Partial<Reservation>): Promise<ReserveOutcome>;
  /** The ledger's clock: a moment, or null for the real one, which every test begins with. */
  setClock(at: string | null): Promise<void>;
  /** Sums of money by `meter/kind/start`. */
  meters(): Promise<Record<string, { settled: number; reserved: number }>>;
}

export function useLedger(): LedgerKit {
  const database = useTestDatabase();
  let owner: Client;
  let pool: Pool;
  let ledger: PostgresLedger;
  let companyId: string;
  beforeAll(async () => {
    owner = await database.connect('owner');
    await owner.query('SET search_path = ownkey');
    pool = new Pool({ connectionString: database.workerUrl, max: 4 });
  });
  afterAll(() => pool.end());
  beforeEach(async () => {
    ledger = new PostgresLedger({ sql: sqlOf(pool), workerId: 'w1', log: quiet, expireEveryMs: 3_600_000 });
    companyId = await seedCompany(owner);
  });
  afterEach(async () => {
    await ledger.close(50);
    await setClock(null);
  });

  async function setClock(at: string | null): Promise<void> {
    const body = at === null ? 'SELECT now()' : `SELECT '${at}'::timestamptz`;
    await owner.query(
      `CREATE OR REPLACE FUNCTION ledger_now() RETURNS timestamptz LANGUAGE sql STABLE SET search_path = ownkey, pg_temp AS $$ ${body} $$`,
    );
  }

  async function reservation(more: Partial<Reservation> = {}): Promise<Reservation> {
    const { rows } = await owner.query(
      'SELECT c.config_version::int AS company, i.config_version::int AS installation FROM companies c, installation i WHERE c.id = $1',
      [more.companyId ?? companyId],
    );
    return {
      ...PLAIN,
      id: newId('request'),
      companyId,
      configVersion: rows[0].company,
      globalVersion: rows[0].installation,
      ...more,
    };
  }

  return {
    get owner() {
      return owner;
    },
    get pool() {
      return pool;
    },
    get controlUrl() {
      return database.controlUrl;
    },
    get ledger() {
      return ledger;
    },
    get companyId() {
      return companyId;
    },
    reservation,
    ask: async (more = {}) => ledger.reserve(await reservation(more)),
    setClock,
    async meters() {
      const { rows } = await owner.query(
        `SELECT meter || '/' || kind || '/' || to_char(start AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS name, settled::int, reserved::int
         FROM meters WHERE company_id = $1 AND kind IN ('day', 'month') ORDER BY 1`,
        [companyId],
      );
      return Object.fromEntries(rows.map(({ name, settled, reserved }) => [name, { settled, reserved }]));
    },
  };
}

const PLAIN: Omit<Reservation, 'id' | 'companyId' | 'configVersion' | 'globalVersion'> = {
  userId: null,
  tokenId: 'tok_1',
  actor: 'tok_1',
  account: null,
  operation: null,
  kind: 'call',
  wire: 'openai-chat',
  streaming: false,
  provider: 'acme',
  slug: 'acme',
  model: 'm-1',
  keyId: 'key_1',
  keyVersion: 1,
  last4: null,
  keySource: 'own',
  fallback: null,
  priceId: 'price_1',
  reservedNanoUsd: 10n,
  leastNanoUsd: null,
  limits: [],
};

export const day = (cap: bigint, meter = ''): Limit => ({ meter, kind: 'day', cap });
export const month = (cap: bigint, meter = ''): Limit => ({ meter, kind: 'month', cap });

/** The reservation that stands. @throws Error when none does */
export function holdOf(outcome: ReserveOutcome): Hold {
  if (outcome.outcome !== 'ok') throw new Error(`reserve answered ${JSON.stringify(outcome.outcome)}`);
  return outcome.hold;
}

export function settlement(costNanoUsd: bigint | null, state: 'settled' | 'released' = 'settled'): Settlement {
  return {
    state,
    httpStatus: 200,
    errorCode: null,
    providerRequestId: null,
    usage: null,
    basis: 'reported',
    costNanoUsd,
    priceId: null,
    latencyMs: 1,
    ttfbMs: 1,
  };
}

/** Today in UTC, `YYYY-MM-DD`. */
export const today = (): string => new Date().toISOString().slice(0, 10);
