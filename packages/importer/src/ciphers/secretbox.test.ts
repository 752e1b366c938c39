import { randomBytes } from 'node:crypto';
import sodium, { ready } from 'libsodium-wrappers';
import { beforeAll, describe, expect, test } from 'vitest';
import { openSecretbox } from './secretbox.ts';

beforeAll(() => ready);

const make = (length: number) => {
  const clear = randomBytes(length);
  const key = randomBytes(32);
  const nonce = randomBytes(24);
  return { clear, key, nonce, box: Buffer.from(sodium.crypto_secretbox_easy(clear, nonce, key)) };
};

describe('a box that libsodium makes', () => {
  test('opens to what was put in, at every length around the borders of its blocks', () => {
    for (let length = 0; length <= 200; length++) {
      const { clear, key, nonce, box } = make(length);
      expect(openSecretbox(box, nonce, key)).toEqual(clear);
    }
  });

  test('opens from a nonce and a box that lie anywhere in memory', () => {
    const { clear, key, nonce, box } = make(51);
    for (let shift = 0; shift < 8; shift++) {
      const all = Buffer.concat([Buffer.alloc(shift), nonce, box]);
      expect(openSecretbox(all.subarray(shift + 24), all.subarray(shift, shift + 24), key)).toEqual(clear);
    }
  });

  test('does not open with one bit of it, its nonce or the key flipped, anywhere', () => {
    const { key, nonce, box } = make(40);
    for (const [name, bytes] of Object.entries({ key, nonce, box })) {
      for (let at = 0; at < bytes.length; at++) {
        const altered = Buffer.from(bytes);
        altered[at] = (altered[at] ?? 0) ^ (1 << (at % 8));
        const input = { key, nonce, box, [name]: altered };
        expect(openSecretbox(input.box, input.nonce, input.key)).toBeNull();
      }
    }
  });

  test('does not open when it is shorter than its tag, or its nonce has another length', () => {
    const { key, nonce, box } = make(40);
    expect(openSecretbox(box.subarray(0, 15), nonce, key)).toBeNull();
    expect(openSecretbox(box, nonce.subarray(0, 12), key)).toBeNull();
  });
});
