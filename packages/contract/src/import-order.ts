/** What `ownkey import` asks of its one-shot process. It travels as JSON in that process's one argument: nothing in it is secret. */

export const IMPORT_SOURCES = ['fernet', 'secretbox', 'aes-256-gcm'] as const;
export type ImportSource = (typeof IMPORT_SOURCES)[number];
export const IMPORT_FORMATS = ['csv', 'jsonl'] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];
export const IMPORT_ENCODINGS = ['base64', 'hex'] as const;
export type ImportEncoding = (typeof IMPORT_ENCODINGS)[number];

export interface ImportOrder {
  readonly from: ImportSource;
  readonly format: ImportFormat;
  /** How ciphertext, nonce and tag are written. */
  readonly encoding: ImportEncoding;
  /** Part of every key's id; null = the hash of the export. */
  readonly name: string | null;
  /** Who runs it, for the audit. */
  readonly actor: string;
  readonly dryRun: boolean;
  /** Order of `nonce`, `ciphertext`, `tag` in the column `ciphertext`, joined by "-", or by ":" or "." where the text is. */
  readonly layout: string | null;
  readonly nonceBytes: number;
  /** Template of the associated data; null = none, or the column `aad`. */
  readonly aad: string | null;
  /** Oldest Fernet token to take; null = any. */
  readonly ttlSeconds: number | null;
}

/** Exit codes of the import, also of its process. */
export const IMPORT_EXIT = { complete: 0, stopped: 1, usage: 2, someSkipped: 3 } as const;

/** Reads an order back. @throws Error for anything that is not one */
export function readImportOrder(text: string): ImportOrder {
  const value: unknown = JSON.parse(text);
  if (!isOrder(value)) throw new Error('this is not the order of an import');
  return value;
}

function isOrder(value: unknown): value is ImportOrder {
  if (typeof value !== 'object' || value === null) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  const text = (name: string) => typeof fields.get(name) === 'string';
  const orNull = (name: string, type: string) => fields.get(name) === null || typeof fields.get(name) === type;
  return (
    IMPORT_SOURCES.some((known) => known === fields.get('from')) &&
    IMPORT_FORMATS.some((known) => known === fields.get('format')) &&
    IMPORT_ENCODINGS.some((known) => known === fields.get('encoding')) &&
    text('actor') &&
    typeof fields.get('dryRun') === 'boolean' &&
    Number.isInteger(fields.get('nonceBytes')) &&
    orNull('name', 'string') &&
    orNull('layout', 'string') &&
    orNull('aad', 'string') &&
    orNull('ttlSeconds', 'number')
  );
}
