import { createCipheriv, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { deriveFrom, eraseDerived } from './derive.ts';

const dek = Buffer.alloc(32, 0x0b);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('what comes from a data key', () => {
  it.each([1, 15, 51, 108, 164, 4096])('is what the documented construction gives, for keys of %i bytes', (length) => {
    const label = Buffer.from('ownkey/envelope/v1').toString('hex');
    const input = Buffer.from(`00000001${label}0000000200`, 'hex');
    const block = createHmac('sha512', dek).update(input).digest();
    // Block by block, so that a stream that starts elsewhere or repeats would show.
    const cipher = createCipheriv('aes-256-ecb', block.subarray(32), null).setAutoPadding(false);
    const counters = Buffer.alloc(Math.ceil((32 + length) / 16) * 16);
    for (let i = 0; i < counters.length / 16; i++) counters.writeUInt32BE(i, i * 16 + 12);
    const stream = cipher.update(counters);
    const derived = deriveFrom(dek, length);
    expect(hex(derived.commitment)).toBe(hex(block.subarray(0, 32)));
    expect(hex(derived.encryptionKey)).toBe(hex(stream.subarray(0, 32)));
    expect(hex(derived.mask)).toBe(hex(stream.subarray(32, 32 + length)));
  });

  it('shares no part with what comes from another data key', () => {
    const [a, b] = [deriveFrom(dek, 32), deriveFrom(Buffer.alloc(32, 0x0c), 32)];
    const parts = [a, b].flatMap(({ encryptionKey, commitment, mask }) => [encryptionKey, commitment, mask].map(hex));
    expect(new Set(parts).size).toBe(6);
  });

  it('is zero in every part once erased', () => {
    const derived = deriveFrom(dek, 51);
    const parts = [derived.encryptionKey, derived.commitment, derived.mask];
    expect(parts.some((part) => part.every((byte) => byte === 0))).toBe(false);
    eraseDerived(derived);
    expect(parts.every((part) => part.every((byte) => byte === 0))).toBe(true);
  });
});
