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

/** The browsable API reference: its own files alone, but its widgets write style elements. */
export const REFERENCE_POLICY = CONSOLE_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'");
