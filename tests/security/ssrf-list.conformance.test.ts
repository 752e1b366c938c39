/**
 * Runs the address guard over a list of base URLs that nobody may be able to save: one JSON string per line, lines that start with
 * "# " are comments. OWNKEY_BAD_URLS names a longer list from outside of this repository; without it the short one here is used.
 */
import { readFileSync } from 'node:fs';
import { checkBaseUrl } from '@ownkey/guard/base-url';
import { PUBLIC_ONLY, parseEgressAllow } from '@ownkey/guard/egress-policy';
import { describe, expect, it } from 'vitest';

const OWN_LIST = `# one of each kind
"https://127.0.0.1/v1"
"https://2130706433/v1"
"https://0x7f.1/v1"
"https://[::1]/v1"
"https://[64:ff9b::a9fe:a9fe]/v1"
"https://169.254.169.254/latest/meta-data/"
"https://metadata.google.internal/"
"https://localhost./v1"
"https://user@127.0.0.1/v1"
"https://127.0.0.1#@api.example.com/"
"https:\\\\\\\\127.0.0.1\\\\v1"
"http://api.example.com/v1"
"https://api.example.com:5432/v1"
"https://\\uff11\\uff12\\uff17.0.0.1/v1"
"file:///etc/passwd"
`;

const path = process.env.OWNKEY_BAD_URLS;
const lines = (path ? readFileSync(path, 'utf8') : OWN_LIST).split('\n');
const urls = lines.filter((line) => line !== '' && !line.startsWith('# ')).map((line) => String(JSON.parse(line)));
const { policy } = parseEgressAllow('127.0.0.1:8422');

describe('a list of base URLs that nobody may save', () => {
  it('has entries', () => {
    expect(urls.length).toBeGreaterThan(path ? 50 : 14);
  });

  it.each(urls.map((url) => [url.slice(0, 100), url]))('is refused: %j', (_shown, url) => {
    expect(checkBaseUrl(url, PUBLIC_ONLY).ok).toBe(false);
    expect(checkBaseUrl(url, policy).ok).toBe(false);
  });
});
