import { createCipheriv, createDecipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { gcmOpen, gcmSeal, lengthPrefixed } from './aead.ts';
import { deriveFrom } from './derive.ts';
import {
  type Binding,
  type Envelope,
  EnvelopeError,
  openEnvelope,
  rewrapDek,
  withOpenKey,
  wrapKey,
} from './envelope.ts';
import { KekRing, kekFromBytes } from './kek.ts';
import { twoKeyCiphertext } from './vectors/two-key-ciphertext.ts';

const kekOf = (n: number) => kekFromBytes(`kek_number${n}`, Buffer.alloc(32, n));
const ring = new KekRing(kekOf(1));
const binding: Binding = {
  company: 'co_01',
  provider: 'acme',
  key_id: 'key_01',
  version: 3,
  destination: 'catalogue:acme',
};
const CLEAR = 'sk-test-0123456789abcdefghijklmnopqrstuvwxyz';
const stored = wrapKey({ kekRing: ring, clearKey: Buffer.from(CLEAR), binding });
const reasonOf = (envelope: Envelope, bound: Binding = binding, kekRing = ring): string => {
  try {
    openEnvelope(envelope, bound, kekRing).fill(0);
    return 'opened';
  } catch (error) {
    if (error instanceof EnvelopeError) return error.reason;
    throw error;
  }
};
const flip = (bytes: Buffer, bit: number) => {
  const copy = Buffer.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
};

describe('stored keys', () => {
  it('open to the same bytes, in a buffer of their own', () => {
    const clearKey = openEnvelope(stored, binding, ring);
    expect(clearKey.toString()).toBe(CLEAR);
    expect(clearKey.buffer.byteLength).toBe(clearKey.length);
  });

  it('hold keys of 1 and 4096 bytes and refuse 0 and 4097', () => {
    for (const length of [1, 4096]) {
      const clearKey = Buffer.alloc(length, 0x7e);
      expect(openEnvelope(wrapKey({ kekRing: ring, clearKey, binding }), binding, ring).equals(clearKey)).toBe(true);
    }
    for (const length of [0, 4097]) {
      expect(() => wrapKey({ kekRing: ring, clearKey: Buffer.alloc(length), binding })).toThrow(EnvelopeError);
    }
  });

  it('leave the clear key given to them alone: erasing it is the caller’s', () => {
    const clearKey = Buffer.from(CLEAR);
    wrapKey({ kekRing: ring, clearKey, binding });
    expect(clearKey.toString()).toBe(CLEAR);
  });

  it('share no part when the same key is stored twice', () => {
    const again = wrapKey({ kekRing: ring, clearKey: Buffer.from(CLEAR), binding });
    for (const part of ['wrapped_dek', 'commitment', 'body'] as const)
      expect(again[part].equals(stored[part])).toBe(false);
  });

  it('keep the key masked inside the ciphertext: even the data key’s cipher yields no clear byte run', () => {
    const dek = ring.unwrap('ownkey/envelope/v1', stored.kek_id, stored.wrapped_dek, [
      'co_01',
      'acme',
      'key_01',
      '3',
      'catalogue:acme',
    ]);
    const key = deriveFrom(dek, CLEAR.length).encryptionKey;
    const aad = lengthPrefixed(['ownkey/envelope/v1', 'co_01', 'acme', 'key_01', '3', 'catalogue:acme']);
    const masked = gcmOpen(key, stored.body, aad);
    expect(masked?.length).toBe(CLEAR.length);
    for (let i = 0; i + 3 <= CLEAR.length; i++) expect(masked?.includes(CLEAR.slice(i, i + 3))).toBe(false);
  });
});

describe('a stored key moved elsewhere', () => {
  const others: [keyof Binding, string | number][] = [
    ['company', 'co_02'],
    ['company', 'platform'],
    ['provider', 'other'],
    ['key_id', 'key_02'],
    ['version', 4],
    ['destination', 'https://llm.example.org'],
    ['destination', 'catalogue:other'],
  ];
  it.each(others)('does not open: another %s (%s)', (field, value) => {
    expect(reasonOf(stored, { ...binding, [field]: value })).toBe('wrap');
  });

  it('does not open when characters wander from one field into the next', () => {
    expect(reasonOf(stored, { ...binding, company: 'co_01a', provider: 'cme' })).toBe('wrap');
    expect(reasonOf(stored, { ...binding, key_id: 'key_013', version: 0 })).toBe('wrap');
    expect(lengthPrefixed(['ab', 'c']).equals(lengthPrefixed(['a', 'bc']))).toBe(false);
    expect(lengthPrefixed(['a', '']).equals(lengthPrefixed(['a']))).toBe(false);
  });

  it('does not open with any part of another stored key, even one of the same binding', () => {
    const other = wrapKey({ kekRing: ring, clearKey: Buffer.from(CLEAR), binding });
    expect(reasonOf({ ...stored, wrapped_dek: other.wrapped_dek })).toBe('commitment');
    expect(reasonOf({ ...stored, commitment: other.commitment })).toBe('commitment');
    expect(reasonOf({ ...stored, body: other.body })).toBe('cipher');
    expect(reasonOf({ ...stored, wrapped_dek: other.wrapped_dek, commitment: other.commitment })).toBe('cipher');
  });
});

describe('an altered stored key', () => {
  it('is refused for each single bit of wrapped data key, commitment and body', () => {
    const expected = { wrapped_dek: 'wrap', commitment: 'commitment', body: 'cipher' } as const;
    let flips = 0;
    for (const part of ['wrapped_dek', 'commitment', 'body'] as const) {
      for (let bit = 0; bit < stored[part].length * 8; bit++) {
        expect(reasonOf({ ...stored, [part]: flip(stored[part], bit) })).toBe(expected[part]);
        flips++;
      }
    }
    expect(flips).toBe((60 + 32 + 28 + CLEAR.length) * 8);
  });

  it.each([
    ['a body of nothing but iv and tag', { body: Buffer.alloc(28) }],
    ['a body cut short', { body: Buffer.alloc(5) }],
    ['a body over the limit', { body: Buffer.alloc(28 + 4097) }],
    ['a short commitment', { commitment: Buffer.alloc(31) }],
    ['an empty commitment', { commitment: Buffer.alloc(0) }],
    ['a wrapped data key cut short', { wrapped_dek: Buffer.alloc(59) }],
  ])('is refused by its lengths: %s', (_name, over) => {
    expect(reasonOf({ ...stored, ...over })).toBe('format');
  });

  it('is refused with a tag cut to 12 or 4 bytes, which GCM itself would accept', () => {
    for (const tagBytes of [12, 4]) {
      expect(reasonOf({ ...stored, body: stored.body.subarray(0, stored.body.length - 16 + tagBytes) })).toBe('cipher');
    }
    const key = Buffer.alloc(32, 9);
    const blob = gcmSeal(key, Buffer.from('clear'), Buffer.from('aad'));
    const lenient = createDecipheriv('aes-256-gcm', key, blob.subarray(0, 12), { authTagLength: 12 });
    lenient.setAAD(Buffer.from('aad')).setAuthTag(blob.subarray(blob.length - 16, blob.length - 4));
    lenient.update(blob.subarray(12, -16));
    expect(() => lenient.final()).not.toThrow();
    expect(gcmOpen(key, blob.subarray(0, blob.length - 4), Buffer.from('aad'))).toBeNull();
    expect(gcmOpen(key, Buffer.alloc(27), Buffer.from('aad'))).toBeNull();
  });
});

describe('a ciphertext crafted to open under two keys', () => {
  const deks = [Buffer.alloc(32, 0x11), Buffer.alloc(32, 0x22)] as const;
  const parts = [binding.company, binding.provider, binding.key_id, String(binding.version), binding.destination];
  const aad = lengthPrefixed(['ownkey/envelope/v1', ...parts]);
  const [first, second] = [deriveFrom(deks[0], 16), deriveFrom(deks[1], 16)];
  const body = twoKeyCiphertext(first.encryptionKey, second.encryptionKey, aad);
  const envelopeOf = (dek: Buffer, commitment: Buffer): Envelope => {
    const { kek_id, blob } = ring.wrap('ownkey/envelope/v1', dek, parts);
    return { kek_id, wrapped_dek: blob, commitment, body };
  };

  it('passes plain AES-GCM under both keys, so the attack is real', () => {
    for (const { encryptionKey } of [first, second]) expect(gcmOpen(encryptionKey, body, aad)).not.toBeNull();
  });

  it('is refused by the commitment under the key it is not committed to', () => {
    expect(reasonOf(envelopeOf(deks[0], second.commitment))).toBe('commitment');
    expect(reasonOf(envelopeOf(deks[1], first.commitment))).toBe('commitment');
    expect(reasonOf(envelopeOf(deks[0], first.commitment))).toBe('opened');
  });
});

describe('rotation of the master key', () => {
  const both = new KekRing(kekOf(2), [kekOf(1)]);

  it('opens what older keys wrapped, as long as they are loaded', () => {
    expect(openEnvelope(stored, binding, both).toString()).toBe(CLEAR);
    expect(reasonOf(stored, binding, new KekRing(kekOf(2)))).toBe('kek');
  });

  it('changes key id and wrapped data key alone, and the old master key is needed no more', () => {
    const moved = { ...stored, ...rewrapDek(stored, binding, both) };
    expect(moved.kek_id).toBe(kekOf(2).id);
    expect(openEnvelope(moved, binding, new KekRing(kekOf(2))).toString()).toBe(CLEAR);
    expect(reasonOf(moved, binding, ring)).toBe('kek');
  });

  it('does not move an envelope of another binding', () => {
    expect(() => rewrapDek(stored, { ...binding, company: 'co_02' }, both)).toThrow(
      expect.objectContaining({ reason: 'wrap' }),
    );
  });

  it('does not open under a wrong key that bears the right id', () => {
    const impostor = new KekRing(kekFromBytes(kekOf(1).id, Buffer.alloc(32, 7)));
    expect(reasonOf(stored, binding, impostor)).toBe('wrap');
  });

  it('does not open when the row names another loaded master key', () => {
    expect(reasonOf({ ...stored, kek_id: kekOf(2).id }, binding, both)).toBe('wrap');
  });
});

describe('lending an open key', () => {
  it('erases it after use, also when the use fails or takes time', async () => {
    const lent: Buffer[] = [];
    const result = await withOpenKey(stored, binding, ring, async (clearKey) => {
      lent.push(clearKey);
      await Promise.resolve();
      return clearKey.toString();
    });
    expect(result).toBe(CLEAR);
    const failing = withOpenKey(stored, binding, ring, (clearKey) => {
      lent.push(clearKey);
      throw new Error('use failed');
    });
    await expect(failing).rejects.toThrow('use failed');
    expect(lent.map((bytes) => bytes.every((byte) => byte === 0))).toEqual([true, true]);
  });

  it('never calls the use of a key that does not open', async () => {
    let calls = 0;
    const attempt = withOpenKey(stored, { ...binding, version: 9 }, ring, () => calls++);
    await expect(attempt).rejects.toBeInstanceOf(EnvelopeError);
    expect(calls).toBe(0);
  });
});

describe('errors', () => {
  it('hold neither key text nor ciphertext', () => {
    let text = '';
    try {
      openEnvelope({ ...stored, body: flip(stored.body, 200) }, binding, ring);
    } catch (error) {
      text = error instanceof Error ? `${error.stack} ${JSON.stringify(error)}` : '';
    }
    expect(text).toContain('stored key does not open: cipher');
    expect(text).not.toContain(stored.body.toString('hex').slice(0, 16));
    expect(text).not.toContain(CLEAR.slice(0, 8));
  });
});

describe('AES-256-GCM', () => {
  it('agrees with the platform’s own cipher', () => {
    const key = Buffer.alloc(32, 5);
    const blob = gcmSeal(key, Buffer.from('hello'), Buffer.from('aad'));
    const cipher = createCipheriv('aes-256-gcm', key, blob.subarray(0, 12));
    cipher.setAAD(Buffer.from('aad'));
    const body = Buffer.concat([cipher.update('hello'), cipher.final(), cipher.getAuthTag()]);
    expect(blob.subarray(12).equals(body)).toBe(true);
    expect(gcmOpen(key, blob, Buffer.from('aae'))).toBeNull();
  });
});
