/** Prefixes of ids: the kind of thing is readable from the id. */
export const ID_PREFIXES = {
  company: 'co',
  user: 'usr',
  key: 'key',
  request: 'req',
  token: 'tok',
  job: 'job',
  auditEvent: 'aud',
  embedSession: 'ems',
  link: 'lnk',
  operator: 'op',
  login: 'lgn',
  session: 'ses',
  kek: 'kek',
  sealingKey: 'seal',
  price: 'price',
  outbox: 'msg',
  webhook: 'whk',
  invitation: 'inv',
  kekRotation: 'krot',
  notice: 'ntc',
} as const;

export type IdKind = keyof typeof ID_PREFIXES;
export type Id<K extends IdKind> = string & { readonly __kind?: K };

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

const RANDOM_CHARACTERS = 16;
/** Random bytes are fetched for 64 ids at a time: one fetch each costs more than the rest of the id. */
const pool = new Uint8Array(64 * RANDOM_CHARACTERS);
let poolUsed = pool.length;

/** Bytes nobody else gets. */
function takeRandom(): Uint8Array {
  if (poolUsed === pool.length) {
    crypto.getRandomValues(pool);
    poolUsed = 0;
  }
  poolUsed += RANDOM_CHARACTERS;
  return pool.subarray(poolUsed - RANDOM_CHARACTERS, poolUsed);
}

/**
 * A new id: `<prefix>_` + 10 characters of time (milliseconds, Crockford base 32, so ids sort by creation) + 16 random
 * characters (80 bits). Runs in browsers and Node alike. `now` is for tests.
 */
export function newId<K extends IdKind>(kind: K, now: number = Date.now()): Id<K> {
  let time = '';
  for (let rest = now, i = 0; i < 10; i++, rest = Math.floor(rest / 32)) time = ALPHABET.charAt(rest % 32) + time;
  let tail = '';
  for (const byte of takeRandom()) tail += ALPHABET.charAt(byte % 32);
  return `${ID_PREFIXES[kind]}_${time}${tail}`;
}

/** Whether `text` has the form of an id of this kind. */
export function isId<K extends IdKind>(kind: K, text: string): text is Id<K> {
  return text.startsWith(`${ID_PREFIXES[kind]}_`) && /^[0-9a-z]+_[0-9a-hjkmnp-tv-z]{26}$/.test(text);
}
