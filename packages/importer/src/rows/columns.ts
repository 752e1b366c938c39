/** What an export may hold of a key. All else in it is not looked at. */
export const COLUMNS = [
  'id',
  'company',
  'user',
  'provider',
  'slug',
  'preset',
  'base_url',
  'label',
  'ciphertext',
  'aad',
  'nonce',
  'tag',
] as const;

export const NEEDED_COLUMNS = ['ciphertext', 'company', 'provider'] as const;
