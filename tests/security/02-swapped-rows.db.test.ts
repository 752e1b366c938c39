import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { send } from '../kit/gateway.ts';
import { useTestDatabase } from '../kit/postgres.ts';
import { answer, type ProviderServer, startProvider } from '../kit/provider-server.ts';
import { type RealGateway, startRealGateway } from '../kit/real-gateway.ts';
import { mintKey } from '../kit/sandbox-keys.ts';
import { seedCompany, seedToken } from '../kit/worker-rows.ts';

/**
 * Threat 2: somebody who writes to the database moves ciphertext, or what it is bound to, between rows. Every call goes through the
 * real gateway, which reads the envelope anew each time; what counts is that the simulated providers are reached by none.
 */
const database = useTestDatabase();
let owner: Client;
let gateway: RealGateway;
/** An allowed address that no key is bound to. */
let other: ProviderServer;

interface Stored {
  name: string;
  keyId: string;
  token: string;
  model: string;
}
const rows: Stored[] = [];
const COLUMNS = ['wrapped_dek', 'commitment', 'body'] as const;

beforeAll(async () => {
  owner = await database.connect('owner');
  await owner.query('SET search_path = ownkey');
  other = await startProvider((socket) => socket.write(answer('{}')));
  gateway = await startRealGateway(database.workerUrl, { envelopesFreshMs: 0, listed: [other.listed] });
  const [first, second] = [await seedCompany(owner), await seedCompany(owner)];
  const tokens = new Map<string, string>();
  for (const company of [first, second]) tokens.set(company, (await seedToken(owner, company, ['inference'])).token);
  const add = async (company: string, provider: string, custom = false): Promise<void> => {
    const made = gateway.sandbox.keys.providers[provider];
    if (!made) throw new Error(`the sandbox has no ${provider}`);
    const place = custom ? { provider: 'custom', slug: 'mine', baseUrl: made.base_url } : { provider };
    // Keys of one length: what is swapped differs in nothing but what it is bound to.
    const keyId = await gateway.storeKey(owner, mintKey(provider, 'valid'), { companyId: company, ...place });
    const slug = custom ? 'mine' : provider;
    rows.push({
      name: `${company === first ? 'first' : 'second'} ${slug}`,
      keyId,
      token: tokens.get(company) ?? '',
      model: `${slug}/${made.model}`,
    });
  };
  await add(first, 'openai');
  await add(first, 'groq');
  await add(first, 'openai', true);
  await add(second, 'openai');
  await add(second, 'groq');
});
afterAll(async () => {
  await gateway.close();
  await other.close();
});
beforeEach(() => gateway.sandbox.clear());

const call = ({ token, model }: Pick<Stored, 'token' | 'model'>) =>
  send('POST', `${gateway.url}/v1/chat/completions`, {
    token,
    body: { model, messages: [{ role: 'user', content: 'Say hello.' }], max_tokens: 16 },
  });

/** Refused as not opening, with nothing sent. */
async function expectRefused(row: Pick<Stored, 'token' | 'model'>, what: string): Promise<void> {
  const { status, json } = await call(row);
  expect([what, status, codeOf(json)]).toEqual([what, 424, 'key.undecryptable']);
  expect(gateway.sandbox.calls(), what).toEqual([]);
}

const codeOf = (json: Record<string, never> | null): unknown => Object(json).error?.code;

/** Runs `change` and `check` on rows that are put back afterwards. */
async function restoring(check: () => Promise<void>): Promise<void> {
  const keys = (await owner.query('SELECT * FROM keys')).rows;
  const envelopes = (await owner.query('SELECT * FROM envelopes')).rows;
  await check();
  for (const key of keys)
    await owner.query(
      'UPDATE keys SET company_id = $2, provider = $3, version = $4, destination = $5, base_url = $6, slug = $7 WHERE id = $1',
      [key.id, key.company_id, key.provider, key.version, key.destination, key.base_url, key.slug],
    );
  for (const { key_id, version, wrapped_dek, commitment, body } of envelopes)
    await owner.query(
      'UPDATE envelopes SET version = $2, wrapped_dek = $3, commitment = $4, body = $5 WHERE key_id = $1',
      [key_id, version, wrapped_dek, commitment, body],
    );
}

async function expectAllOpen(): Promise<void> {
  for (const row of rows) expect([row.name, (await call(row)).status]).toEqual([row.name, 200]);
  expect(gateway.sandbox.calls()).toHaveLength(rows.length);
  gateway.sandbox.clear();
}

test('untouched, every row opens', expectAllOpen);

describe('ciphertext taken from another row opens nowhere:', () => {
  const parts: (readonly (typeof COLUMNS)[number][])[] = [
    COLUMNS,
    ['body'],
    ['wrapped_dek'],
    ['wrapped_dek', 'commitment'],
  ];
  test.each(parts.map((columns) => [columns.join(' and '), columns] as const))(
    '%s, between every pair',
    async (_, columns) => {
      await restoring(async () => {
        const originals = (await owner.query('SELECT * FROM envelopes')).rows;
        const of = (id: string) => originals.find(({ key_id }) => key_id === id);
        let pairs = 0;
        for (const to of rows) {
          for (const from of rows) {
            if (from === to) continue;
            const taken = Object.fromEntries(
              COLUMNS.map((name) => [name, of(columns.includes(name) ? from.keyId : to.keyId)[name]]),
            );
            await owner.query('UPDATE envelopes SET wrapped_dek = $2, commitment = $3, body = $4 WHERE key_id = $1', [
              to.keyId,
              ...COLUMNS.map((name) => taken[name]),
            ]);
            await expectRefused(to, `${from.name} to ${to.name}`);
            pairs++;
          }
          await owner.query('UPDATE envelopes SET wrapped_dek = $2, commitment = $3, body = $4 WHERE key_id = $1', [
            to.keyId,
            ...COLUMNS.map((name) => of(to.keyId)[name]),
          ]);
        }
        expect(pairs).toBe(20);
      });
      await expectAllOpen();
    },
  );
});

describe('an envelope does not open when what it is bound to is changed:', () => {
  const row = (name: string): Stored => {
    const found = rows.find((one) => one.name === name);
    if (!found) throw new Error(name);
    return found;
  };

  test('its company', async () => {
    await restoring(async () => {
      const [taken, second] = [row('first groq'), row('second groq')];
      const [{ company_id }] = (await owner.query('SELECT company_id FROM keys WHERE id = $1', [second.keyId])).rows;
      await owner.query('UPDATE keys SET enabled = false WHERE id = $1', [second.keyId]);
      await owner.query('UPDATE keys SET company_id = $2 WHERE id = $1', [taken.keyId, company_id]);
      await expectRefused(second, 'company');
      await owner.query('UPDATE keys SET enabled = true WHERE id = $1', [second.keyId]);
    });
    await expectAllOpen();
  });

  test('its provider', async () => {
    await restoring(async () => {
      const taken = row('second groq');
      await owner.query("UPDATE keys SET provider = 'mistral', destination = 'catalogue:mistral' WHERE id = $1", [
        taken.keyId,
      ]);
      const model = `mistral/${gateway.sandbox.keys.providers.mistral?.model}`;
      await expectRefused({ ...taken, model }, 'provider');
    });
    await expectAllOpen();
  });

  test('its key id', async () => {
    const taken = row('second openai');
    const copy = 'key_copied00000000000000000000';
    await owner.query(
      `INSERT INTO keys (id, owner, company_id, provider, destination, last4, status)
       SELECT $2, owner, company_id, provider, destination, last4, status FROM keys WHERE id = $1`,
      [taken.keyId, copy],
    );
    await owner.query(
      `INSERT INTO envelopes (key_id, version, kek_id, wrapped_dek, commitment, body)
       SELECT $2, version, kek_id, wrapped_dek, commitment, body FROM envelopes WHERE key_id = $1`,
      [taken.keyId, copy],
    );
    await owner.query('UPDATE keys SET enabled = false WHERE id = $1', [taken.keyId]);
    await expectRefused(taken, 'key id');
    await owner.query('DELETE FROM keys WHERE id = $1', [copy]);
    await owner.query('UPDATE keys SET enabled = true WHERE id = $1', [taken.keyId]);
    await expectAllOpen();
  });

  test('its version', async () => {
    await restoring(async () => {
      const taken = row('first openai');
      await owner.query('UPDATE keys SET version = version + 1 WHERE id = $1', [taken.keyId]);
      await owner.query('UPDATE envelopes SET version = version + 1 WHERE key_id = $1', [taken.keyId]);
      await expectRefused(taken, 'version');
    });
    await expectAllOpen();
  });

  test('its destination', async () => {
    await restoring(async () => {
      const taken = row('first mine');
      await owner.query('UPDATE keys SET base_url = $2, destination = $2 WHERE id = $1', [taken.keyId, other.origin]);
      await expectRefused(taken, 'destination');
      expect(other.connections).toBe(0);
    });
    await expectAllOpen();
  });
});

test('an envelope does not open with one bit flipped, at 240 places over all it is made of', async () => {
  const [row] = rows;
  if (!row) throw new Error('no row');
  const [original] = (await owner.query('SELECT * FROM envelopes WHERE key_id = $1', [row.keyId])).rows;
  const places = COLUMNS.flatMap((column) => {
    const bytes: Buffer = original[column];
    return Array.from({ length: 80 }, (_, i) => ({ column, bit: Math.floor((i * bytes.length * 8) / 80) + (i % 8) }));
  });
  expect(places).toHaveLength(240);
  for (const { column, bit } of places) {
    const bytes = Buffer.from(original[column]);
    const at = Math.min(bit >> 3, bytes.length - 1);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
    await owner.query(`UPDATE envelopes SET ${column} = $2 WHERE key_id = $1`, [row.keyId, bytes]);
    await expectRefused(row, `${column} bit ${bit}`);
    await owner.query(`UPDATE envelopes SET ${column} = $2 WHERE key_id = $1`, [row.keyId, original[column]]);
  }
  await expectAllOpen();
});
