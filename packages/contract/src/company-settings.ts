/** `companies.settings` (jsonb): members absent have these values. Both planes read it; only the control plane writes it. */
export interface CompanySettings {
  /** Members may connect keys of their own. */
  personal_keys: boolean;
  /** Who gets notices by mail. */
  notice_recipients: string[];
  /** Days that entries of the audit are kept; null = for ever. Where a company never set it, the operator's policies say it. */
  audit_retention_days: number | null;
  /** Models without a known price are refused on own keys too. */
  block_unpriced_models: boolean;
}

export const COMPANY_SETTINGS: Readonly<CompanySettings> = {
  personal_keys: true,
  notice_recipients: [],
  audit_retention_days: null,
  block_unpriced_models: false,
};

/** The stored value with what is absent filled in; unknown members and values of the wrong type are left out. */
export function readCompanySettings(stored: Readonly<Record<string, unknown>>): CompanySettings {
  const { personal_keys, notice_recipients, audit_retention_days, block_unpriced_models } = stored;
  return {
    personal_keys: typeof personal_keys === 'boolean' ? personal_keys : COMPANY_SETTINGS.personal_keys,
    notice_recipients: Array.isArray(notice_recipients)
      ? notice_recipients.filter((item): item is string => typeof item === 'string')
      : [],
    audit_retention_days: typeof audit_retention_days === 'number' ? audit_retention_days : null,
    block_unpriced_models:
      typeof block_unpriced_models === 'boolean' ? block_unpriced_models : COMPANY_SETTINGS.block_unpriced_models,
  };
}
