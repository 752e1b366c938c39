import { createHash } from 'node:crypto';
import { ID_PREFIXES } from '@ownkey/contract/ids';
import { lengthPrefixed } from '@ownkey/vault/aead';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const CHARACTERS = 26;

/**
 * The id of the key that a row becomes: the same at every run of the same import, and no other row's. A row is known by its own `id`
 * where the export has one, else by what is in it; so a row may move within the file. 130 bits of SHA-256.
 */
export function deriveKeyId(importName: string, companyId: string, fields: ReadonlyMap<string, string>): string {
  const own = fields.get('id');
  const identity =
    own === undefined
      ? ['content', ...['user', 'provider', 'slug', 'ciphertext'].map((name) => fields.get(name) ?? '')]
      : ['id', own];
  const digest = createHash('sha256')
    .update(lengthPrefixed(['ownkey/import/v1', importName, companyId, ...identity]))
    .digest();
  let text = '';
  for (const byte of digest.subarray(0, CHARACTERS)) text += ALPHABET.charAt(byte % 32);
  return `${ID_PREFIXES.key}_${text}`;
}
