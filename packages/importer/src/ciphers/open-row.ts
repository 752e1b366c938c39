/** From a row of the export to the clear key, by the cipher of the store it comes from. */
import type { ImportOrder } from '@ownkey/contract/import-order';
import { ImportUsageError, RowFault } from '../faults.ts';
import { checkAadTemplate, fillAad } from './aad-template.ts';
import { GCM_TAG_BYTES, openAesGcm } from './aes-gcm.ts';
import { decodeBase64 } from './decode-text.ts';
import { fernetTime, openFernet } from './fernet.ts';
import { parseLayout, takeParts } from './layout.ts';
import { openSecretbox, SECRETBOX_NONCE_BYTES } from './secretbox.ts';
import type { SourceKeys } from './source-keys.ts';

type Fields = ReadonlyMap<string, string>;

/**
 * Opens the ciphertext of one row; the caller erases the result.
 * @throws RowFault cipher.format, cipher.refused, cipher.expired, row.field_missing
 */
export type OpenRow = (fields: Fields) => Buffer;

/** Longer ciphertexts hold no key: twice what a pasted key may have, with room for padding. */
const CIPHERTEXT_BYTES_MAX = 16_384;
const NONCE_BYTES_MAX = 64;

/** @throws ImportUsageError when the order's options do not fit its cipher */
export function createOpenRow(order: ImportOrder, { keys }: SourceKeys, nowSeconds: () => number): OpenRow {
  if (order.from !== 'fernet' && order.ttlSeconds !== null) {
    throw new ImportUsageError('--ttl is for Fernet alone: nothing else has a time in it.');
  }
  if (order.from !== 'aes-256-gcm' && order.aad !== null) {
    throw new ImportUsageError(`--aad is for AES-256-GCM alone: ${order.from} has no associated data.`);
  }
  if (order.from === 'fernet') {
    if (order.layout !== null) throw new ImportUsageError('--layout: a Fernet token has one layout only.');
    return (fields) => openToken(fields, keys, order.ttlSeconds, nowSeconds);
  }
  return order.from === 'secretbox' ? createOpenBox(order, keys) : createOpenGcm(order, keys);
}

function openToken(
  fields: Fields,
  keys: readonly Buffer[],
  ttlSeconds: number | null,
  nowSeconds: () => number,
): Buffer {
  const token = decodeBase64(fields.get('ciphertext') ?? '');
  if (token === null) throw new RowFault('cipher.format', 'This is not a Fernet token (not URL-safe base64).');
  checkLength(token);
  const clear = tryAll(keys, (key) => openFernet(token, key));
  const age = nowSeconds() - fernetTime(token);
  if (ttlSeconds === null || age <= ttlSeconds) return clear;
  clear.fill(0);
  throw new RowFault('cipher.expired', `This token is ${age} seconds old, --ttl takes ${ttlSeconds}.`);
}

function createOpenBox(order: ImportOrder, keys: readonly Buffer[]): OpenRow {
  const text = order.layout ?? 'nonce-ciphertext';
  const layout = parseLayout(text, { nonce: SECRETBOX_NONCE_BYTES, tag: 0 }, order.encoding);
  if (layout.order.includes('tag')) {
    throw new ImportUsageError(
      '--layout: the tag of a secretbox is the first 16 bytes of its ciphertext; do not name it.',
    );
  }
  return (fields) => {
    const { nonce, ciphertext } = takeParts(fields, layout);
    checkLength(ciphertext);
    if (nonce.length !== SECRETBOX_NONCE_BYTES) {
      throw new RowFault('cipher.format', `A nonce of secretbox has 24 bytes, this one ${nonce.length}.`);
    }
    return tryAll(keys, (key) => openSecretbox(ciphertext, nonce, key));
  };
}

function createOpenGcm(order: ImportOrder, keys: readonly Buffer[]): OpenRow {
  const bytes = { nonce: order.nonceBytes, tag: GCM_TAG_BYTES };
  const layout = parseLayout(order.layout ?? 'nonce-ciphertext-tag', bytes, order.encoding);
  if (order.nonceBytes < 1 || order.nonceBytes > NONCE_BYTES_MAX) {
    throw new ImportUsageError(`--nonce-bytes is a number from 1 to ${NONCE_BYTES_MAX}.`);
  }
  if (order.aad !== null) checkAadTemplate(order.aad);
  return (fields) => {
    const { nonce, ciphertext, tag } = takeParts(fields, layout);
    checkLength(ciphertext);
    if (tag.length !== GCM_TAG_BYTES) {
      throw new RowFault('cipher.format', `A tag has 16 bytes, this one ${tag.length}: shorter ones are not taken.`);
    }
    if (nonce.length < 1 || nonce.length > NONCE_BYTES_MAX) {
      throw new RowFault('cipher.format', `A nonce of ${nonce.length} bytes is not taken.`);
    }
    const aad = order.aad === null ? Buffer.from(fields.get('aad') ?? '') : fillAad(order.aad, fields);
    return tryAll(keys, (key) => openAesGcm({ nonce, ciphertext, tag, aad }, key));
  };
}

function tryAll(keys: readonly Buffer[], open: (key: Buffer) => Buffer | null): Buffer {
  for (const key of keys) {
    const clear = open(key);
    if (clear !== null) return clear;
  }
  const which = keys.length === 1 ? 'the source key' : `any of the ${keys.length} source keys`;
  throw new RowFault(
    'cipher.refused',
    `It does not open with ${which}: another key or layout made it, or it was altered.`,
  );
}

function checkLength(bytes: Buffer): void {
  if (bytes.length > CIPHERTEXT_BYTES_MAX) throw new RowFault('cipher.format', 'Far too long to be a key.');
}
