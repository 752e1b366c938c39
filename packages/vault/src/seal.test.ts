import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encodeBase64Url } from './base64url.ts';
import { encodeContext, encodeSealedKey, parseSealedKey, type SealContext } from './context.ts';
import { KekRing, kekFromBytes } from './kek.ts';
import { newKeyId, newNonce } from './mint.ts';
import { OpenError, openSealed, SEAL_LIFE_SECONDS_MAX } from './open.ts';
import { fingerprintOf, requireFingerprint, SEAL_INFO, SealError, sealKey, sealSuite } from './seal.ts';
import { createSealingKey, openSealingKey, rewrapSealingKey } from './sealing-key.ts';

const ring = new KekRing(kekFromBytes('kek_first0000', Buffer.alloc(32, 1)));
const row = createSealingKey(ring);
const sealingKey = await openSealingKey(ring, row);
const NOW = 1_800_000_000;
const context: SealContext = {
  company: 'co_01',
  user: null,
  provider: 'acme',
  key_id: newKeyId(),
  version: 1,
  destination: 'catalogue:acme',
  nonce: newNonce(),
  exp: NOW + 300,
};
const CLEAR = 'sk-test-0123456789abcdefghijklmnop';
const clearKey = () => Buffer.from(CLEAR);
const seal = (over: Partial<SealContext> = {}) =>
  sealKey({ publicKey: row.public_key, kid: row.kid, context: { ...context, ...over }, clearKey: clearKey() });
const refusal = async (sealed: string, over: Partial<Parameters<typeof openSealed>[0]> = {}) => {
  const error: unknown = await openSealed({ sealingKey, sealed, expect: context, nowSeconds: NOW, ...over }).then(
    () => new Error('it opened'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof OpenError)) throw error;
  return error;
};

describe('sealing and opening', () => {
  it('gives the worker back exactly the bytes that were sealed, with their context', async () => {
    const opened = await openSealed({ sealingKey, sealed: await seal(), expect: context, nowSeconds: NOW });
    expect(opened.clearKey.equals(clearKey())).toBe(true);
    expect(opened.context).toEqual(context);
  });

  it('carries keys of 1 and of 4096 bytes and refuses 0 and 4097', async () => {
    for (const length of [1, 4096]) {
      const bytes = Buffer.alloc(length, 0x41);
      const sealed = await sealKey({ publicKey: row.public_key, kid: row.kid, context, clearKey: bytes });
      const opened = await openSealed({ sealingKey, sealed, expect: context, nowSeconds: NOW });
      expect(opened.clearKey.equals(bytes)).toBe(true);
    }
    for (const [length, problem] of [
      [0, 'empty'],
      [4097, 'too_long'],
    ] as const) {
      const attempt = sealKey({ publicKey: row.public_key, kid: row.kid, context, clearKey: Buffer.alloc(length, 65) });
      await expect(attempt).rejects.toMatchObject({ name: 'SealError', problem });
    }
  });

  it('leaves the caller’s bytes alone and never puts the key into the sealed text', async () => {
    const bytes = clearKey();
    const sealed = await sealKey({ publicKey: row.public_key, kid: row.kid, context, clearKey: bytes });
    expect(bytes.toString()).toBe(CLEAR);
    const all = Buffer.from(sealed, 'base64url').toString() + sealed;
    for (let i = 0; i + 8 <= CLEAR.length; i++) expect(all).not.toContain(CLEAR.slice(i, i + 8));
  });

  it('seals no part of the key in clear: native code decrypts two shares, equal to the key only when joined', async () => {
    const { enc, ct, ctxBytes } = parseSealedKey(await seal());
    const info = new TextEncoder().encode(SEAL_INFO);
    const recipient = await sealSuite().createRecipientContext({ recipientKey: sealingKey, enc, info });
    const shares = Buffer.from(await recipient.open(ct, ctxBytes));
    expect(shares.length).toBe(CLEAR.length * 2);
    for (let i = 0; i + 4 <= CLEAR.length; i++) expect(shares.includes(CLEAR.slice(i, i + 4))).toBe(false);
    const joined = Array.from(CLEAR, (_, i) => (shares[i] ?? 0) ^ (shares[CLEAR.length + i] ?? 0));
    expect(Buffer.from(joined).toString()).toBe(CLEAR);
    expect(shares.subarray(0, CLEAR.length).every((byte) => byte === 0)).toBe(false);
  });

  it('opens into a buffer of its own', async () => {
    const opened = await openSealed({ sealingKey, sealed: await seal(), expect: context, nowSeconds: NOW });
    expect(opened.clearKey.buffer.byteLength).toBe(CLEAR.length);
  });

  it('fits the text’s bound with the longest key and the longest context', async () => {
    const long = { company: 'c'.repeat(200), user: 'u'.repeat(200), destination: `https://${'d'.repeat(262)}` };
    const bytes = Buffer.alloc(4096, 0x41);
    const widest = { ...context, ...long, nonce: 'n'.repeat(64), provider: 'p'.repeat(64) };
    const sealed = await sealKey({ publicKey: row.public_key, kid: row.kid, context: widest, clearKey: bytes });
    const opened = await openSealed({ sealingKey, sealed, expect: widest, nowSeconds: NOW });
    expect(opened.clearKey.equals(bytes)).toBe(true);
  });

  it('seals the same key twice into texts that share no ciphertext', async () => {
    const [a, b] = [parseSealedKey(await seal()), parseSealedKey(await seal())];
    expect(encodeBase64Url(a.ct)).not.toBe(encodeBase64Url(b.ct));
    expect(encodeBase64Url(a.enc)).not.toBe(encodeBase64Url(b.enc));
  });

  it.each(['', 'AAAA', encodeBase64Url(new Uint8Array(65).fill(4)), '!!'])(
    'refuses a public key that is no point: %j',
    async (publicKey) => {
      const attempt = sealKey({ publicKey, kid: row.kid, context, clearKey: clearKey() });
      await expect(attempt).rejects.toBeInstanceOf(SealError);
    },
  );
});

describe('a sealed key for another purpose', () => {
  const others: [keyof Parameters<typeof openSealed>[0]['expect'], string | number | null][] = [
    ['company', 'co_02'],
    ['user', 'usr_01'],
    ['provider', 'other'],
    ['key_id', newKeyId()],
    ['version', 2],
    ['destination', 'https://llm.example.org'],
  ];
  it.each(others)('is refused and names the field: %s', async (field, value) => {
    const error = await refusal(await seal(), { expect: { ...context, [field]: value } });
    expect([error.reason, error.field]).toEqual(['context', field]);
  });

  it.each(others)('does not open when its context is rewritten to fit: %s', async (field, value) => {
    const parsed = parseSealedKey(await seal());
    const wanted = { ...context, [field]: value };
    const sealed = encodeSealedKey({ ...parsed, ctxBytes: encodeContext(wanted) });
    expect((await refusal(sealed, { expect: wanted })).reason).toBe('cipher');
  });

  it('does not open when its nonce or its expiry is rewritten', async () => {
    const parsed = parseSealedKey(await seal());
    for (const over of [{ nonce: newNonce() }, { exp: context.exp + 60 }]) {
      const ctxBytes = encodeContext({ ...context, ...over });
      expect((await refusal(encodeSealedKey({ ...parsed, ctxBytes }))).reason).toBe('cipher');
    }
  });

  it('is refused when it names another key pair, and does not open when that name is rewritten', async () => {
    const otherRow = createSealingKey(ring);
    const sealed = await sealKey({ publicKey: otherRow.public_key, kid: otherRow.kid, context, clearKey: clearKey() });
    expect((await refusal(sealed)).reason).toBe('kid');
    const renamed = encodeSealedKey({ ...parseSealedKey(sealed), kid: row.kid });
    expect((await refusal(renamed)).reason).toBe('cipher');
  });
});

describe('expiry', () => {
  it.each([
    ['one second before it expires', NOW + 1, true],
    ['in the second it expires', NOW, false],
    ['after it expired', NOW - 1, false],
    ['at the longest life', NOW + SEAL_LIFE_SECONDS_MAX, true],
    ['beyond the longest life', NOW + SEAL_LIFE_SECONDS_MAX + 1, false],
  ])('%s', async (_name, exp, opens) => {
    const sealed = await seal({ exp });
    const outcome = await openSealed({ sealingKey, sealed, expect: context, nowSeconds: NOW }).then(
      () => 'opened',
      (error: unknown) => (error instanceof OpenError ? error.reason : 'other'),
    );
    expect(outcome).toBe(opens ? 'opened' : 'expired');
  });
});

describe('altered sealed keys', () => {
  it('refuses every single-bit flip of ciphertext, encapsulated key and context', async () => {
    const parsed = parseSealedKey(await seal());
    let flips = 0;
    for (const part of ['enc', 'ct', 'ctxBytes'] as const) {
      for (let i = 0; i < parsed[part].length; i++) {
        const bytes = new Uint8Array(parsed[part]);
        bytes[i] = (bytes[i] ?? 0) ^ (1 << (i % 8));
        const error = await refusal(encodeSealedKey({ ...parsed, [part]: bytes }));
        expect(['format', 'context', 'expired', 'cipher']).toContain(error.reason);
        flips++;
      }
    }
    expect(flips).toBeGreaterThan(250);
  });

  const wire = (over: Record<string, unknown>) => {
    const parsed: Record<string, unknown> = {
      v: 1,
      kid: row.kid,
      enc: encodeBase64Url(new Uint8Array(65)),
      ct: encodeBase64Url(new Uint8Array(16 + 2)),
      ctx: encodeBase64Url(encodeContext(context)),
    };
    return encodeBase64Url(new TextEncoder().encode(JSON.stringify({ ...parsed, ...over })));
  };
  const raw = (json: string) => encodeBase64Url(new TextEncoder().encode(json));
  it.each([
    ['empty', ''],
    ['not base64url', 'abc='],
    ['a lone end bit', `${wire({}).slice(0, -1)}_`],
    ['not JSON', raw('{')],
    ['an array', raw('[]')],
    ['another version', wire({ v: 2 })],
    ['an unknown field', wire({ extra: 1 })],
    ['a missing field', wire({ kid: undefined })],
    ['a key id that is no text', wire({ kid: 7 })],
    ['a short encapsulated key', wire({ enc: 'AAAA' })],
    ['a ciphertext of nothing but a tag', wire({ ct: encodeBase64Url(new Uint8Array(16)) })],
    ['a ciphertext over the limit', wire({ ct: encodeBase64Url(new Uint8Array(16 + 2 * 4096 + 2)) })],
    ['a ciphertext of shares of unequal length', wire({ ct: encodeBase64Url(new Uint8Array(16 + 3)) })],
    ['padding in a part', wire({ ctx: 'e30=' })],
    ['an empty context', wire({ ctx: raw('{}') })],
    ['a repeated field', raw(`{"v":1,${Buffer.from(wire({}), 'base64url').toString().slice(1)}`)],
    ['ten megabytes', 'A'.repeat(10_000_000)],
  ])('refuses as malformed: %s', async (_name, sealed) => {
    expect((await refusal(sealed)).reason).toBe('format');
  });

  it('opens the well-formed frame those cases are built from no further than the cipher', async () => {
    expect((await refusal(wire({}))).reason).toBe('cipher');
  });
});

describe('fingerprint', () => {
  it('is eight groups of SHA-256 over the point', async () => {
    const fingerprint = await fingerprintOf(row.public_key);
    expect(fingerprint).toMatch(/^[0-9A-F]{4}(-[0-9A-F]{4}){7}$/);
    const { createHash } = await import('node:crypto');
    const digest = createHash('sha256').update(Buffer.from(row.public_key, 'base64url')).digest('hex').toUpperCase();
    expect(fingerprint.replaceAll('-', '')).toBe(digest.slice(0, 32));
  });

  it('pinned, lets that key alone be sealed for', async () => {
    const fingerprint = await fingerprintOf(row.public_key);
    for (const pinned of [null, fingerprint, ` ${fingerprint.toLowerCase()}\n`])
      expect(await requireFingerprint(row.public_key, pinned)).toBe(fingerprint);
    const other = await fingerprintOf(createSealingKey(ring).public_key);
    for (const pinned of ['', fingerprint.slice(0, 9), other])
      await expect(requireFingerprint(row.public_key, pinned)).rejects.toMatchObject({
        problem: 'fingerprint_mismatch',
      });
  });

  it('differs between pairs and survives a rotation of the master key, as do already sealed keys', async () => {
    const sealed = await seal();
    const rotated = new KekRing(kekFromBytes('kek_second000', Buffer.alloc(32, 2)), [
      kekFromBytes('kek_first0000', Buffer.alloc(32, 1)),
    ]);
    const moved = rewrapSealingKey(rotated, row);
    expect(moved.kek_id).toBe('kek_second000');
    expect(await fingerprintOf(moved.public_key)).toBe(await fingerprintOf(row.public_key));
    const opened = await openSealed({
      sealingKey: await openSealingKey(rotated, moved),
      sealed,
      expect: context,
      nowSeconds: NOW,
    });
    expect(opened.clearKey.toString()).toBe(CLEAR);
    expect(await fingerprintOf(createSealingKey(ring).public_key)).not.toBe(await fingerprintOf(row.public_key));
  });
});

describe('stored sealing keys', () => {
  it('do not open with another public key, another kid, one flipped bit or without their master key', async () => {
    const other = createSealingKey(ring);
    const flipped = Buffer.from(row.wrapped_private);
    flipped[40] = (flipped[40] ?? 0) ^ 1;
    for (const wrong of [
      { ...row, public_key: other.public_key },
      { ...row, kid: other.kid },
      { ...row, wrapped_private: flipped },
      { ...row, wrapped_private: row.wrapped_private.subarray(0, 20) },
    ]) {
      await expect(openSealingKey(ring, wrong)).rejects.toMatchObject({ problem: 'cipher' });
    }
    const stranger = new KekRing(kekFromBytes('kek_third0000', Buffer.alloc(32, 3)));
    await expect(openSealingKey(stranger, row)).rejects.toMatchObject({ problem: 'unknown_kek' });
  });

  it('open into a private key that cannot be exported', async () => {
    await expect(crypto.subtle.exportKey('pkcs8', sealingKey.privateKey)).rejects.toThrow('not extractable');
  });
});

describe('files reachable from seal.ts', () => {
  it.each(['base64url', 'context', 'seal', 'shape'])('%s.ts uses nothing of Node', (name) => {
    const source = readFileSync(new URL(`./${name}.ts`, import.meta.url), 'utf8');
    const code = source.replace(/\/\*[\s\S]*?\*\//g, '');
    expect(code).not.toMatch(/\bBuffer\b|node:|\bprocess\b|\brequire\b/);
    const imports = [...code.matchAll(/from '([^']+)'/g)].map((match) => match[1]);
    const allowed = [
      '@hpke/core',
      '@ownkey/contract/ids',
      '@ownkey/contract/provider',
      './base64url.ts',
      './context.ts',
    ];
    expect(imports.filter((path) => path === undefined || !allowed.includes(path))).toEqual([]);
  });
});
