/** Header fields by lower-case name; repeated ones joined by a comma (RFC 9110 section 5.3), cookies dropped. */
export function readHead(raw: readonly Buffer[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]?.toString('latin1').toLowerCase() ?? '';
    const value = raw[i + 1]?.toString('latin1') ?? '';
    if (name === 'set-cookie') continue;
    const known = headers[name];
    headers[name] = known === undefined ? value : `${known}, ${value}`;
  }
  return headers;
}
