/** Headers of the secure field. Pure, so that a test can say them one by one. */

/** The policy of the page: code and style of this origin alone, nothing inline, no form, no window, framed by listed pages only. */
export function fieldPolicy(parents: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "form-action 'none'",
    "base-uri 'none'",
    // Of all pages around it, not of the nearest alone.
    `frame-ancestors ${parents.length === 0 ? "'none'" : parents.join(' ')}`,
    'sandbox allow-scripts allow-same-origin',
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}

/** On every answer below `/field`. */
export const FIELD_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy':
    'camera=(), microphone=(), geolocation=(), payment=(), usb=(), clipboard-read=(), clipboard-write=(), display-capture=()',
};

/**
 * Of the page itself. A process of its own keeps it apart from pages of the same site, and pages that isolate themselves may still
 * hold it.
 */
export function pageHeaders(parents: readonly string[]): Record<string, string> {
  return {
    ...FIELD_HEADERS,
    'content-security-policy': fieldPolicy(parents),
    'cross-origin-resource-policy': 'cross-origin',
    'cross-origin-embedder-policy': 'require-corp',
    'origin-agent-cluster': '?1',
    'cache-control': 'no-store',
  };
}

/** Assets have their hash in the name. */
export const ASSET_HEADERS: Readonly<Record<string, string>> = {
  ...FIELD_HEADERS,
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'public, max-age=31536000, immutable',
};

export const FACT_HEADERS: Readonly<Record<string, string>> = {
  ...FIELD_HEADERS,
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
};
