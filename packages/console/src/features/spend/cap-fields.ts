import type { CapField } from '@ownkey/contract/api/money';

/** Caps in the order they are shown. Written out here, since the API's schemas are too large to load for three names. */
export const CAP_FIELDS = ['per_request_usd', 'per_day_usd', 'per_month_usd'] as const satisfies readonly CapField[];
