/**
 * Header fields by lower-case name; repeated ones joined by a comma (RFC 9110 section 5.3), cookies dropped. Ids, which are kept and
 * passed on, go through `scrub`: some servers repeat there what they were sent.
 */
export function readHead(raw: readonly Buffer[], scrub: (text: string) => string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]?.toString('latin1').toLowerCase() ?? '';
    if (name === 'set-cookie') continue;
    const written = raw[i + 1]?.toString('latin1') ?? '';
    const value = name.endsWith('-id') ? scrub(written) : written;
    const known = headers[name];
    headers[name] = known === undefined ? value : `${known}, ${value}`;
  }
  return headers;
}
