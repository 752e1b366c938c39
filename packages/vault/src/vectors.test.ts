/**
 * Runs every file of `vectors/`: a header that says which outcome is due, a blank line, the body. They pin the two formats (sealed
 * keys, stored keys) so that what was sealed or stored by one release opens, or is refused, in every later one.
 */
import { createHash, webcrypto } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encodeSealedKey, parseSealedKey } from './context.ts';
import { type Binding, type Envelope, EnvelopeError, openEnvelope } from './envelope.ts';
import { KekRing, kekFromBytes } from './kek.ts';
import { OpenError, type OpenExpectation, openSealed } from './open.ts';
import { fingerprintOf } from './seal.ts';
import type { SealingKeyPair } from './sealing-key.ts';

const COMMON = [
  'comment',
  'kind',
  'expect',
  'company',
  'provider',
  'key-id',
  'version',
  'destination',
  'clear-key-sha256',
];
const HEADERS: Readonly<Record<string, readonly string[]>> = {
  sealed: [...COMMON, 'private-key', 'public-key', 'fingerprint', 'kid', 'now', 'user'],
  envelope: [...COMMON, 'keks'],
};
const OUTCOMES: Readonly<Record<string, readonly string[]>> = {
  sealed: ['opened', 'format', 'kid', 'context', 'expired', 'cipher'],
  envelope: ['opened', 'kek', 'format', 'wrap', 'commitment', 'cipher'],
};

interface Vector {
  readonly name: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: readonly string[];
}

function parseVector(name: string, text: string): Vector {
  const [head = '', ...rest] = text.split('\n\n');
  const headers = new Map<string, string>();
  for (const line of head.split('\n')) {
    const match = /^([a-z0-9-]+): (.+)$/.exec(line);
    if (!match?.[1] || !match[2]) throw new Error(`${name}: not a header: ${line}`);
    if (headers.has(match[1])) throw new Error(`${name}: repeated header ${match[1]}`);
    headers.set(match[1], match[2]);
  }
  const kind = headers.get('kind') ?? '';
  const outcome = headers.get('expect') ?? '';
  if (!OUTCOMES[kind]?.includes(outcome)) throw new Error(`${name}: unknown outcome ${kind} ${outcome}`);
  for (const header of headers.keys()) {
    if (!HEADERS[kind]?.includes(header)) throw new Error(`${name}: unknown header ${header}`);
  }
  if (headers.has('clear-key-sha256') !== (outcome === 'opened'))
    throw new Error(`${name}: clear-key-sha256 belongs to opened`);
  return { name, headers, body: rest.join('\n\n').trimEnd().split('\n') };
}

const folder = new URL('./vectors/', import.meta.url);
const vectors = readdirSync(folder)
  .filter((file) => file.endsWith('.txt'))
  .map((file) => parseVector(file, readFileSync(new URL(file, folder), 'utf8')));
const due = (vector: Vector) => vector.headers.get('expect') ?? '';
const text = (vector: Vector, header: string) => {
  const value = vector.headers.get(header);
  if (value === undefined) throw new Error(`${vector.name}: no ${header}`);
  return value;
};
const bindingOf = (vector: Vector): Binding => ({
  company: text(vector, 'company'),
  provider: text(vector, 'provider'),
  key_id: text(vector, 'key-id'),
  version: Number(text(vector, 'version')),
  destination: text(vector, 'destination'),
});
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function pairOf(vector: Vector): Promise<SealingKeyPair> {
  const algorithm = { name: 'ECDH', namedCurve: 'P-256' };
  const { subtle } = webcrypto;
  const point = Buffer.from(text(vector, 'public-key'), 'base64url');
  const pkcs8 = Buffer.from(text(vector, 'private-key'), 'hex');
  return {
    kid: text(vector, 'kid'),
    publicKey: await subtle.importKey('raw', point, algorithm, true, []),
    privateKey: await subtle.importKey('pkcs8', pkcs8, algorithm, false, ['deriveBits']),
  };
}

/** `opened <digest of the key>`, or the reason of the refusal. */
async function outcomeOfSealed(
  vector: Vector,
  over: { sealed?: string; expect?: Partial<OpenExpectation>; now?: number } = {},
) {
  try {
    const { clearKey } = await openSealed({
      sealingKey: await pairOf(vector),
      sealed: over.sealed ?? vector.body.join(''),
      expect: { ...bindingOf(vector), user: vector.headers.get('user') ?? null, ...over.expect },
      nowSeconds: over.now ?? Number(text(vector, 'now')),
    });
    return `opened ${digest(clearKey)}`;
  } catch (error) {
    if (error instanceof OpenError) return error.reason;
    throw error;
  }
}

function ringOf(vector: Vector): KekRing {
  const keks = text(vector, 'keks')
    .split(' ')
    .map((item) => {
      const [id = '', hex = ''] = item.split('=');
      return kekFromBytes(id, Buffer.from(hex, 'hex'));
    });
  const [current, ...others] = keks;
  if (!current) throw new Error(`${vector.name}: no keks`);
  return new KekRing(current, others);
}

function envelopeOf(vector: Vector): Envelope {
  const [kek_id = '', wrapped = '', commitment = '', body = ''] = vector.body;
  return {
    kek_id,
    wrapped_dek: Buffer.from(wrapped, 'hex'),
    commitment: Buffer.from(commitment, 'hex'),
    body: Buffer.from(body, 'hex'),
  };
}

function outcomeOfEnvelope(envelope: Envelope, binding: Binding, ring: KekRing): string {
  try {
    return `opened ${digest(openEnvelope(envelope, binding, ring))}`;
  } catch (error) {
    if (error instanceof EnvelopeError) return error.reason;
    throw error;
  }
}

const dueOutcome = (vector: Vector) =>
  due(vector) === 'opened' ? `opened ${text(vector, 'clear-key-sha256')}` : due(vector);
const named = (kind: string, opened?: true): [string, Vector][] =>
  vectors
    .filter((vector) => vector.headers.get('kind') === kind && (!opened || due(vector) === 'opened'))
    .map((vector) => [vector.name, vector]);
const flipped = (bytes: Uint8Array, bit: number) => {
  const copy = Buffer.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
};

describe('the vectors', () => {
  it('cover every outcome of both formats', () => {
    for (const [kind, outcomes] of Object.entries(OUTCOMES)) {
      expect([...new Set(named(kind).map(([, vector]) => due(vector)))].sort()).toEqual(outcomes.toSorted());
    }
  });

  it.each([
    ['an unknown header', 'kind: envelope\nexpect: wrap\nextra: 1\n\nx'],
    ['a header of the other kind', 'kind: envelope\nexpect: wrap\nkid: x\n\nx'],
    ['a repeated header', 'kind: envelope\nkind: envelope\nexpect: wrap\n\nx'],
    ['an unknown outcome', 'kind: envelope\nexpect: fails\n\nx'],
    ['a line that is no header', 'kind: envelope\nexpect\n\nx'],
    ['an opened one without the key’s digest', 'kind: envelope\nexpect: opened\n\nx'],
  ])('are not read when one has %s', (_name, vector) => {
    expect(() => parseVector('test', vector)).toThrow('test: ');
  });
});

describe('sealed keys', () => {
  it.each(named('sealed'))('%s has the outcome that is due', async (_name, vector) => {
    expect(await outcomeOfSealed(vector)).toBe(dueOutcome(vector));
    expect(await fingerprintOf(text(vector, 'public-key'))).toBe(text(vector, 'fingerprint'));
  });

  it.each(named('sealed', true))('%s opens for nothing else, nor later', async (_name, vector) => {
    const others: Partial<OpenExpectation>[] = [
      { company: 'co_x' },
      { user: 'usr_x' },
      { provider: 'x' },
      { key_id: 'key_x' },
      { version: 99 },
      { destination: 'catalogue:x' },
    ];
    for (const expected of others) expect(await outcomeOfSealed(vector, { expect: expected })).toBe('context');
    expect(await outcomeOfSealed(vector, { now: Number(text(vector, 'now')) + 300 })).toBe('expired');
  });

  it.each(named('sealed', true))('%s does not open with one bit flipped, anywhere', async (_name, vector) => {
    const parsed = parseSealedKey(vector.body.join(''));
    for (const part of ['enc', 'ct', 'ctxBytes'] as const) {
      for (let byte = 0; byte < parsed[part].length; byte++) {
        const sealed = encodeSealedKey({ ...parsed, [part]: flipped(parsed[part], byte * 8 + (byte % 8)) });
        expect(await outcomeOfSealed(vector, { sealed })).not.toContain('opened');
      }
    }
  });
});

describe('stored keys', () => {
  it.each(named('envelope'))('%s has the outcome that is due', (_name, vector) => {
    expect(outcomeOfEnvelope(envelopeOf(vector), bindingOf(vector), ringOf(vector))).toBe(dueOutcome(vector));
  });

  it.each(named('envelope', true))('%s opens for nothing else, nor under another master key', (_name, vector) => {
    const envelope = envelopeOf(vector);
    const others: Partial<Binding>[] = [
      { company: 'co_x' },
      { provider: 'x' },
      { key_id: 'key_x' },
      { version: 99 },
      { destination: 'catalogue:x' },
    ];
    for (const over of others) {
      expect(outcomeOfEnvelope(envelope, { ...bindingOf(vector), ...over }, ringOf(vector))).toBe('wrap');
    }
    const stranger = new KekRing(kekFromBytes('kek_stranger01', Buffer.alloc(32, 9)));
    expect(outcomeOfEnvelope(envelope, bindingOf(vector), stranger)).toBe('kek');
    const impostor = new KekRing(kekFromBytes(envelope.kek_id, Buffer.alloc(32, 9)));
    expect(outcomeOfEnvelope(envelope, bindingOf(vector), impostor)).toBe('wrap');
  });

  it.each(named('envelope', true))('%s does not open with one bit flipped, anywhere', (_name, vector) => {
    const envelope = envelopeOf(vector);
    const ring = ringOf(vector);
    for (const part of ['wrapped_dek', 'commitment', 'body'] as const) {
      const step = Math.max(8, Math.floor(envelope[part].length / 64) * 8); // long bodies: 64 places are enough
      for (let bit = 0; bit < envelope[part].length * 8; bit += step + 1) {
        const altered = { ...envelope, [part]: flipped(envelope[part], bit) };
        expect(outcomeOfEnvelope(altered, bindingOf(vector), ring)).not.toContain('opened');
      }
    }
  });
});
