/** Ranges of the usage report, in days that end with today. */
export const USAGE_RANGES = ['7d', '30d', '90d'] as const;

/** What its lists are made by. */
export const USAGE_DIMENSIONS = ['provider', 'operation', 'model', 'user'] as const;
export type UsageDimension = (typeof USAGE_DIMENSIONS)[number];
