/** Secrets that are known by where they stand, whatever they look like: behind a header name, a field name, in a URL. */

export const REDACTED = '[redacted]';

const NAMES =
  'authorization|proxy-authorization|x-api-key|api-key|apikey|x-goog-api-key|api_key|access_token|refresh_token|id_token|client_secret|' +
  'secret|password|passwd|private_key|clear_?key|(?<![A-Za-z])(?:kek|dek)';
/** `name: `, `"name":"`, `\"name\": [\"`, `'name', '`; a bare comma is prose. */
const BEHIND = `(?:["'\\\\]*\\s*[:=]\\s*|["'\\\\]+\\s*,\\s*)["'\\\\]*(?:\\[\\s*["'\\\\]+)?`;
/** Not what is replaced already, and not the scheme in front of it. */
const VALUE = `(?!\\[|(?:Bearer|Basic|Token)\\b)[^\\s"'\\\\,;&}\\]]{6,}`;

const RULES: readonly RegExp[] = [
  new RegExp(`((?:${NAMES})${BEHIND}(?:(?:Bearer|Basic|Token)(?:\\s+|%20|\\+))?)${VALUE}`, 'gi'),
  /(\b(?:Bearer|Basic)(?:\s+|%20))[A-Za-z0-9._~+/=-]{12,}/gi,
  /([?&](?:key|api_?key|access_token|token|sig|signature|secret)=)[^&\s"'#\\]{6,}/gi,
  /(\b[A-Z][A-Z0-9_]{1,40}_(?:KEY|TOKEN|SECRET|PASSWORD)\s*=\s*["']?)(?!\[)[^\s"'\\]{6,}/g,
  /(:\/\/[^/\s:@"'\\]{0,64}:)[^@\s/"'\\]{1,256}(?=@)/g,
];
const QUICK =
  /[kK]ey|KEY|oken|TOKEN|ecret|SECRET|assw|PASSW|uthorization|UTHORIZATION|earer|BEARER|asic|BASIC|[kdKD][eE][kK]|[?&]sig|:\/\//;

export function scrubPositions(text: string): string {
  if (!QUICK.test(text)) return text;
  let clean = text;
  for (const rule of RULES) clean = clean.replace(rule, `$1${REDACTED}`);
  return clean;
}

/** Field and header names whose value is never shown, whatever it is. */
export const SECRET_NAME =
  /^(?:authorization|proxy-authorization|cookie|set-cookie|x-api-key|api[-_]?key|x-goog-api-key|secret|client[-_]?secret|password|passwd|access[-_]?token|refresh[-_]?token|private[-_]?key|clear[-_]?key|clear[-_]?text|plaintext|sealed[-_]?key|dek|kek)$/i;
/** Names whose value is not shown when it is text; as numbers or objects they are ordinary. */
export const SECRET_TEXT_NAME = /^(?:key|token|credential|credentials|pass|session)$/i;
