/** Request headers of ours. */
export const REQUEST_HEADERS = {
  company: 'x-ownkey-company',
  user: 'x-ownkey-user',
  operation: 'x-ownkey-operation',
  account: 'x-ownkey-account',
  usage: 'x-ownkey-usage',
} as const;

/** Response headers of ours. */
export const RESPONSE_HEADERS = {
  requestId: 'x-ownkey-request-id',
  keySource: 'x-ownkey-key-source',
  keyLast4: 'x-ownkey-key-last4',
  provider: 'x-ownkey-provider',
  fallback: 'x-ownkey-fallback',
  costUsd: 'x-ownkey-cost-usd',
  capRemainingUsd: 'x-ownkey-cap-remaining-usd',
  maxTokens: 'x-ownkey-max-tokens',
  errorCode: 'x-ownkey-error-code',
} as const;

/** Form of operation tags and of account tags: 1 to 128 visible characters. */
export const TAG_PATTERN = /^[\x21-\x7e][\x20-\x7e]{0,126}[\x21-\x7e]$|^[\x21-\x7e]$/;
