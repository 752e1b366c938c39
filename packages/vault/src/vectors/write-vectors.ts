/**
 * Writes the vectors beside this file: `npx tsx --conditions=source packages/vault/src/vectors/write-vectors.ts`. A vector that
 * exists is left alone: once landed it is a promise to everybody who stores or seals keys, and a change to it is a new format.
 */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { decodeContext, encodeContext, encodeSealedKey, parseSealedKey, type SealContext } from '../context.ts';
import { type Binding, type Envelope, wrapKey } from '../envelope.ts';
import { KekRing, kekFromBytes } from '../kek.ts';
import { fingerprintOf, sealKey } from '../seal.ts';

const CLEAR = 'sk-test-not-a-real-key-0123456789abcdefghijklmnop';
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = pair.publicKey.export({ format: 'jwk' });
const publicKey = Buffer.concat([
  Buffer.from([4]),
  Buffer.from(jwk.x ?? '', 'base64url'),
  Buffer.from(jwk.y ?? '', 'base64url'),
]).toString('base64url');
const pkcs8 = pair.privateKey.export({ type: 'pkcs8', format: 'der' }).toString('hex');
const NOW = 1_800_000_000;
const KID = 'seal_vector0001';

function write(name: string, headers: Record<string, string | number | null>, body: string[]): void {
  const file = new URL(`./${name}.txt`, import.meta.url);
  if (existsSync(file)) return;
  const lines = Object.entries(headers).flatMap(([key, value]) => (value === null ? [] : [`${key}: ${value}`]));
  writeFileSync(file, `${[...lines, '', ...body].join('\n')}\n`);
}
const digest = (clear: string) => createHash('sha256').update(clear).digest('hex');

const context: SealContext = {
  company: 'co_vector',
  user: null,
  provider: 'acme',
  key_id: 'key_0123456789vector',
  version: 1,
  destination: 'catalogue:acme',
  nonce: 'AAECAwQFBgcICQoLDA0ODw',
  exp: NOW + 300,
};
async function sealed(
  name: string,
  expect: string,
  comment: string,
  over: {
    context?: Partial<SealContext>;
    wanted?: Partial<SealContext>;
    clear?: string;
    alter?: (text: string) => string;
  } = {},
): Promise<void> {
  const clear = over.clear ?? CLEAR;
  const wanted = { ...context, ...over.context, ...over.wanted };
  const text = await sealKey({
    publicKey,
    kid: KID,
    context: { ...context, ...over.context },
    clearKey: new TextEncoder().encode(clear),
  });
  const headers = {
    comment,
    kind: 'sealed',
    expect,
    'private-key': pkcs8,
    'public-key': publicKey,
    fingerprint: await fingerprintOf(publicKey),
    kid: KID,
    now: NOW,
    company: wanted.company,
    user: wanted.user,
    provider: wanted.provider,
    'key-id': wanted.key_id,
    version: wanted.version,
    destination: wanted.destination,
    'clear-key-sha256': expect === 'opened' ? digest(clear) : null,
  };
  write(name, headers, (over.alter?.(text) ?? text).match(/.{1,100}/g) ?? []);
}

const binding: Binding = {
  company: 'co_vector',
  provider: 'acme',
  key_id: 'key_0123456789vector',
  version: 3,
  destination: 'https://llm.example.org:8443',
};
const KEKS = { kek_vector0001: '11'.repeat(32), kek_vector0002: '22'.repeat(32) };
const ringOf = (...ids: (keyof typeof KEKS)[]) => {
  const [current, ...others] = ids.map((id) => kekFromBytes(id, Buffer.from(KEKS[id], 'hex')));
  if (!current) throw new Error('a ring has a current key');
  return new KekRing(current, others);
};
function envelope(
  name: string,
  expect: string,
  comment: string,
  over: {
    loaded?: (keyof typeof KEKS)[];
    wanted?: Partial<Binding>;
    clear?: string;
    alter?: (stored: Envelope) => Partial<Envelope>;
  } = {},
): void {
  const clear = over.clear ?? CLEAR;
  const made = wrapKey({ kekRing: ringOf('kek_vector0001'), clearKey: Buffer.from(clear), binding });
  const stored = { ...made, ...over.alter?.(made) };
  const wanted = { ...binding, ...over.wanted };
  const headers = {
    comment,
    kind: 'envelope',
    expect,
    keks: (over.loaded ?? ['kek_vector0001']).map((id) => `${id}=${KEKS[id]}`).join(' '),
    company: wanted.company,
    provider: wanted.provider,
    'key-id': wanted.key_id,
    version: wanted.version,
    destination: wanted.destination,
    'clear-key-sha256': expect === 'opened' ? digest(clear) : null,
  };
  write(name, headers, [
    stored.kek_id,
    ...[stored.wrapped_dek, stored.commitment, stored.body].map((part) => part.toString('hex')),
  ]);
}

await sealed('sealed-company-key', 'opened', 'a key of a company, catalogue destination');
await sealed('sealed-personal-key', 'opened', 'a personal key for a custom endpoint, second version', {
  context: { user: 'usr_vector', version: 2, destination: 'https://llm.example.org:8443' },
});
await sealed('sealed-one-byte', 'opened', 'the shortest key', { clear: 'x' });
await sealed('sealed-other-company', 'context', 'sealed for co_vector, presented for co_other', {
  wanted: { company: 'co_other' },
});
await sealed('sealed-other-user', 'context', 'a company key presented as a personal one', {
  wanted: { user: 'usr_vector' },
});
await sealed('sealed-other-destination', 'context', 'sealed for the catalogue, presented for an endpoint', {
  wanted: { destination: 'https://evil.example.org' },
});
await sealed('sealed-older-version', 'context', 'version 1 presented for the rotation to version 2', {
  wanted: { version: 2 },
});
await sealed('sealed-expired', 'expired', 'expires in the second it is opened', { context: { exp: NOW } });
await sealed('sealed-lives-too-long', 'expired', 'valid for longer than an hour', { context: { exp: NOW + 3601 } });
await sealed('sealed-context-rewritten', 'cipher', 'the context was exchanged after sealing', {
  wanted: { company: 'co_other' },
  alter: (text) => {
    const parsed = parseSealedKey(text);
    return encodeSealedKey({
      ...parsed,
      ctxBytes: encodeContext({ ...decodeContext(parsed.ctxBytes), company: 'co_other' }),
    });
  },
});
await sealed('sealed-other-pair', 'kid', 'names another key pair', {
  alter: (text) => encodeSealedKey({ ...parseSealedKey(text), kid: 'seal_vector0002' }),
});
await sealed('sealed-unknown-field', 'format', 'the frame has one field more', {
  alter: (text) => {
    const frame = Buffer.from(text, 'base64url').toString();
    return Buffer.from(`${frame.slice(0, -1)},"x":1}`).toString('base64url');
  },
});
await sealed('sealed-unequal-shares', 'format', 'the last byte of the ciphertext is missing', {
  alter: (text) => {
    const parsed = parseSealedKey(text);
    return encodeSealedKey({ ...parsed, ct: parsed.ct.subarray(0, -1) });
  },
});
await sealed('sealed-padded', 'format', 'base64 padding at the end', { alter: (text) => `${text}=` });

envelope('envelope-current', 'opened', 'wrapped by the current master key');
envelope('envelope-older-kek', 'opened', 'wrapped by an older master key that is still loaded', {
  loaded: ['kek_vector0002', 'kek_vector0001'],
});
envelope('envelope-longest', 'opened', 'the longest key', { clear: 'k'.repeat(4096) });
envelope('envelope-kek-gone', 'kek', 'wrapped by a master key that is no longer loaded', {
  loaded: ['kek_vector0002'],
});
for (const [field, value] of Object.entries({
  company: 'co_other',
  provider: 'other',
  key_id: 'key_other',
  version: 4,
  destination: 'catalogue:acme',
})) {
  envelope(`envelope-other-${field.replace('_', '-')}`, 'wrap', `stored for another ${field}`, {
    wanted: { [field]: value },
  });
}
envelope('envelope-field-border', 'wrap', 'characters wander from one field into the next', {
  wanted: { company: 'co_vectora', provider: 'cme' },
});
envelope('envelope-other-commitment', 'commitment', 'the commitment of another data key', {
  alter: () => ({ commitment: Buffer.alloc(32, 0x5a) }),
});
envelope('envelope-short-tag', 'cipher', 'the tag cut to 12 bytes', {
  alter: (stored) => ({ body: stored.body.subarray(0, stored.body.length - 4) }),
});
envelope('envelope-empty-body', 'format', 'nothing between iv and tag', { alter: () => ({ body: Buffer.alloc(28) }) });
