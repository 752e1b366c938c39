/**
 * Headers of every answer. Pages run scripts of this origin alone, none inline, and are framed by nobody; they hold no frame but
 * the secure field, which is of the gateway's origin.
 */
export function securityHeaders(secure: boolean, gatewayUrl: string): Readonly<Record<string, string>> {
  return {
    'content-security-policy': `${CONSOLE_POLICY}; frame-src ${new URL(gatewayUrl).origin}`,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
    ...(secure ? { 'strict-transport-security': 'max-age=31536000; includeSubDomains' } : {}),
  };
}

// `style-src-attr` covers positions that menus and dialogs are given while open; style sheets come from files alone.
export const CONSOLE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "style-src-attr 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * Headers of the embed's page: the console's, but framed by `parents`, all of them and nobody else. Its frame keeps itself apart
 * from other pages of the site, and pages that isolate themselves may still hold it.
 */
export function embedHeaders(parents: readonly string[], gatewayUrl: string): Readonly<Record<string, string>> {
  return {
    'content-security-policy': `${framedBy(parents)}; frame-src ${new URL(gatewayUrl).origin}`,
    'cross-origin-resource-policy': 'cross-origin',
    'cross-origin-embedder-policy': 'require-corp',
    'origin-agent-cluster': '?1',
    'cache-control': 'no-store',
  };
}

function framedBy(parents: readonly string[]): string {
  const ancestors = parents.length === 0 ? "'none'" : parents.join(' ');
  return CONSOLE_POLICY.replace("frame-ancestors 'none'", `frame-ancestors ${ancestors}`);
}

/** Of the sentence that stands where a session has ended: whoever holds its frame may read it. */
export const ENDED_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'",
  'cross-origin-resource-policy': 'cross-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cache-control': 'no-store',
};

/** The browsable API reference: its own files alone, but its widgets write style elements. */
export const REFERENCE_POLICY = CONSOLE_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'");
