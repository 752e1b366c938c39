/**
 * Test only: a GCM ciphertext that is valid under two keys at once ("invisible salamander"; Dodis, Grubbs, Ristenpart, Woodage,
 * CRYPTO 2018; partitioning oracles: Len, Grubbs, Ristenpart, USENIX Security 2021). One block of ciphertext is chosen so that both
 * keys give the same tag: the tag is linear in that block over GF(2^128).
 */
import { createCipheriv } from 'node:crypto';

const R = 0xe1n << 120n;
const ONE = 1n << 127n;
const BITS = 128n;

/** Multiplication in GF(2^128) in GCM's bit order (NIST SP 800-38D, section 6.3). */
function multiply(x: bigint, y: bigint): bigint {
  let z = 0n;
  let v = y;
  for (let i = BITS - 1n; i >= 0n; i--) {
    if ((x >> i) & 1n) z ^= v;
    v = v & 1n ? (v >> 1n) ^ R : v >> 1n;
  }
  return z;
}

/** x to the power 2^128 - 2. */
function invert(x: bigint): bigint {
  let result = ONE;
  let power = x;
  for (let i = 1n; i < BITS; i++) {
    power = multiply(power, power);
    result = multiply(result, power);
  }
  return result;
}

const toBlock = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
const toBytes = (block: bigint): Buffer => Buffer.from(block.toString(16).padStart(32, '0'), 'hex');

function encryptBlock(key: Uint8Array, block: Uint8Array): bigint {
  const cipher = createCipheriv('aes-256-ecb', key, null);
  cipher.setAutoPadding(false);
  return toBlock(cipher.update(block));
}

/** iv + one block of ciphertext + tag that AES-256-GCM accepts under `first` and under `second`, with the same `aad`. */
export function twoKeyCiphertext(first: Uint8Array, second: Uint8Array, aad: Uint8Array): Buffer {
  const iv = Buffer.alloc(12, 0x33);
  const counter = Buffer.concat([iv, Buffer.from([0, 0, 0, 1])]);
  const blocks: bigint[] = [];
  for (let i = 0; i < aad.length; i += 16) {
    const block = Buffer.alloc(16);
    block.set(aad.subarray(i, i + 16));
    blocks.push(toBlock(block));
  }
  const lengths = (BigInt(aad.length * 8) << 64n) | BITS;
  // The tag with a ciphertext block of zero, and the factor with which that block enters it.
  const sides = [first, second].map((key) => {
    const h = encryptBlock(key, Buffer.alloc(16));
    let hash = 0n;
    for (const block of [...blocks, 0n, lengths]) hash = multiply(hash ^ block, h);
    return { constant: hash ^ encryptBlock(key, counter), factor: multiply(h, h) };
  });
  const [a, b] = sides;
  if (!a || !b) throw new Error('two keys are needed');
  const block = multiply(a.constant ^ b.constant, invert(a.factor ^ b.factor));
  const tag = a.constant ^ multiply(block, a.factor);
  return Buffer.concat([iv, toBytes(block), toBytes(tag)]);
}
