import { randomBytes } from 'node:crypto';
import { gcmOpen, lengthPrefixed } from '@ownkey/vault/aead';
import { deriveFrom } from '@ownkey/vault/derive';
import { type Envelope, EnvelopeError, openEnvelope } from '@ownkey/vault/envelope';
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { twoKeyCiphertext } from '../../packages/vault/src/vectors/two-key-ciphertext.ts';
import { testRing } from '../kit/egress.ts';
import { send } from '../kit/gateway.ts';
import { useTestDatabase } from '../kit/postgres.ts';
import { type RealGateway, startRealGateway } from '../kit/real-gateway.ts';
import { seedCompany, seedToken } from '../kit/worker-rows.ts';

/**
 * Threat 3: AES-GCM does not commit to its key, so a body can be made that decrypts under two data keys. Such a body would tell, by
 * whether it opens, which of many keys is used (a partitioning oracle), or be one key for one reader and another for the next.
 */
const LABEL = 'ownkey/envelope/v1';
const KEY_BYTES = 16; // one block, which is what the construction solves for
const ring = testRing();
const binding = {
  company: 'co_a',
  provider: 'openai',
  key_id: 'key_00000000000000000000000001',
  version: 1,
  destination: 'catalogue:openai',
};
const partsOf = (of: typeof binding): string[] => [
  of.company,
  of.provider,
  of.key_id,
  String(of.version),
  of.destination,
];

/** A body that is authentic under both data keys, and an envelope for each choice of wrapped key and commitment. */
function collision(withRing = ring, bound = binding) {
  const deks = [randomBytes(32), randomBytes(32)] as const;
  const derived = deks.map((dek) => deriveFrom(dek, KEY_BYTES));
  const [first, second] = derived;
  if (!first || !second) throw new Error('two are needed');
  const aad = lengthPrefixed([LABEL, ...partsOf(bound)]);
  const body = twoKeyCiphertext(first.encryptionKey, second.encryptionKey, aad);
  const envelope = (wrapped: 0 | 1, committed: 0 | 1): Envelope => {
    const { kek_id, blob } = withRing.wrap(LABEL, deks[wrapped], partsOf(bound));
    return { kek_id, wrapped_dek: blob, commitment: Buffer.from((committed === 0 ? first : second).commitment), body };
  };
  return { first, second, aad, body, envelope };
}

function reasonOf(envelope: Envelope): string {
  try {
    return `opened ${openEnvelope(envelope, binding, ring).length}`;
  } catch (error) {
    if (error instanceof EnvelopeError) return error.reason;
    throw error;
  }
}

test('the cipher alone accepts the body under both data keys, and gives two different texts', () => {
  const { first, second, aad, body } = collision();
  const texts = [first, second].map(({ encryptionKey }) => gcmOpen(encryptionKey, body, aad));
  expect(texts.map((text) => text?.length)).toEqual([KEY_BYTES, KEY_BYTES]);
  expect(texts[0]?.equals(texts[1] ?? Buffer.alloc(0))).toBe(false);
});

describe('the commitment, which is looked at before the cipher,', () => {
  test('lets the body open under the data key it was made for alone', () => {
    for (let round = 0; round < 20; round++) {
      const { envelope } = collision();
      expect([reasonOf(envelope(0, 0)), reasonOf(envelope(1, 1))]).toEqual(['opened 16', 'opened 16']);
      expect([reasonOf(envelope(1, 0)), reasonOf(envelope(0, 1))]).toEqual(['commitment', 'commitment']);
    }
  });

  test('refuses before the body is tried: a broken body makes no difference to what is said', () => {
    const { envelope } = collision();
    const broken = { ...envelope(1, 0), body: randomBytes(12 + KEY_BYTES + 16) };
    expect(reasonOf(broken)).toBe('commitment');
    expect(reasonOf({ ...envelope(0, 0), body: broken.body })).toBe('cipher');
  });
});

describe('in the database', () => {
  const database = useTestDatabase();
  let owner: Client;
  let gateway: RealGateway;

  beforeAll(async () => {
    owner = await database.connect('owner');
    await owner.query('SET search_path = ownkey');
    gateway = await startRealGateway(database.workerUrl, { envelopesFreshMs: 0 });
  });
  afterAll(() => gateway.close());

  test('such a body is refused with the words of any that does not open, and no provider is called', async () => {
    const company = await seedCompany(owner);
    const { token } = await seedToken(owner, company, ['inference']);
    const made = gateway.sandbox.keys.providers.openai;
    const keyId = await gateway.storeKey(owner, made?.keys.valid ?? '', { companyId: company, provider: 'openai' });
    const bound = { ...binding, company, key_id: keyId };
    const call = () =>
      send('POST', `${gateway.url}/v1/chat/completions`, {
        token,
        body: { model: `openai/${made?.model}`, messages: [{ role: 'user', content: 'Hi' }], max_tokens: 16 },
      });
    expect((await call()).status).toBe(200);
    gateway.sandbox.clear();
    const { envelope } = collision(gateway.kekRing, bound);
    const answers: string[] = [];
    const write = async ({ kek_id, wrapped_dek, commitment, body }: Envelope): Promise<void> => {
      await owner.query(
        'UPDATE envelopes SET kek_id = $2, wrapped_dek = $3, commitment = $4, body = $5 WHERE key_id = $1',
        [keyId, kek_id, wrapped_dek, commitment, body],
      );
      const answer = await call();
      expect(answer.status).toBe(424);
      answers.push(JSON.stringify(answer.json).replaceAll(/req_\w+/g, 'req'));
    };
    await write(envelope(1, 0));
    await write(envelope(0, 1));
    await write({ ...envelope(0, 0), body: randomBytes(12 + KEY_BYTES + 16) });
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toContain('key.undecryptable');
    expect(gateway.sandbox.calls()).toEqual([]);
  });
});
