/** What can be wrong with a row, and with a whole import. No text here ever holds a part of a key or of the source key. */

export type RowFaultCode =
  | 'row.too_long'
  | 'row.not_utf8'
  | 'row.malformed'
  | 'row.field_missing'
  | 'row.repeated'
  | 'cipher.format'
  | 'cipher.refused'
  | 'cipher.expired'
  | 'company.unknown'
  | 'user.unknown'
  | 'provider.unknown'
  | 'plan.upgrade_required'
  | 'personal_keys.off'
  | 'ai.consent_off'
  | 'slug.invalid'
  | 'slug.taken'
  | 'preset.unknown'
  | 'base_url.refused'
  | 'key.shape'
  | 'key.other_provider'
  | 'key.removed';

/** A row is not stored: the report says so, the import goes on. `message` tells the operator what to do. */
export class RowFault extends Error {
  override readonly name = 'RowFault';
  readonly code: RowFaultCode;
  constructor(code: RowFaultCode, reason: string) {
    super(reason);
    this.code = code;
  }
}

/** The import cannot begin as it was asked for: exit code 2, nothing was read into the database. */
export class ImportUsageError extends Error {
  override readonly name = 'ImportUsageError';
}
