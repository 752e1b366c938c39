/**
 * The check of a base URL that a customer gives, on saving and again at every use. The one rule that ends all tricks with numbers,
 * escapes and look-alike letters: the host must already be written as the URL parser gives it back.
 */
import { addressFamily, isAddressAllowed } from './address.ts';
import { type EgressPolicy, isListed } from './egress-policy.ts';

/** An accepted base URL in parts. */
export interface BaseUrl {
  /** Without trailing slash. */
  readonly href: string;
  /** What a key for it is bound to. */
  readonly origin: string;
  readonly protocol: 'http:' | 'https:';
  /** Lower case, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

export type BaseUrlProblem =
  | 'length'
  | 'characters'
  | 'scheme'
  | 'form'
  | 'userinfo'
  | 'query'
  | 'port'
  | 'path'
  | 'host_form'
  | 'host';

export type BaseUrlResult =
  | { readonly ok: true; readonly url: BaseUrl }
  | {
      readonly ok: false;
      readonly problem: BaseUrlProblem;
      /** What to change. Says only what is visible in the text itself; nothing about where a host leads. */
      readonly hint: string;
    };

const HINTS: Readonly<Record<BaseUrlProblem, string>> = {
  length: 'A base URL has between 1 and 2048 characters.',
  characters: 'There is a blank, control character or backslash in this base URL.',
  scheme: 'A base URL starts with https://',
  form: 'This is not a complete URL.',
  userinfo: 'A base URL holds no user name and no password.',
  query: 'A base URL has no "?" and no "#".',
  port: 'Only the ports 443 and 8443 can be called.',
  path: 'The path of this base URL has encoded slashes or dots, or an empty part.',
  host_form: 'Write the host in its plain form: lower-case letters, digits, dots and hyphens.',
  host: 'This host cannot be called. Ask the operator if it is a private server that should be.',
};

const PORTS = new Set([443, 8443]);
const URL_CHARACTERS_MAX = 2048;
/** C0, C1 and delete characters, every kind of blank, direction marks, soft hyphen, byte order mark, backslash. */
const BAD_CHARACTERS = /[\p{Cc}\p{Cf}\p{Z}\\]/u;
const AUTHORITY = /^(https?):\/\/([^/?#]+)/i;
/** Names that never belong to a public host (RFC 6761, RFC 6762, RFC 8375, RFC 9476, ICANN's .internal) or are used inside. */
const INSIDE_NAMES = new Set(
  'alt arpa corp example home internal intranet invalid lan local localdomain localhost onion private svc test'.split(
    ' ',
  ),
);

/** Pure: no look-up. A name that passes is checked again by `resolvePinned`, for every connection. */
export function checkBaseUrl(text: string, policy: EgressPolicy): BaseUrlResult {
  if (typeof text !== 'string' || text.length === 0 || text.length > URL_CHARACTERS_MAX) return refused('length');
  if (BAD_CHARACTERS.test(text)) return refused('characters');
  if (!/^https?:/i.test(text)) return refused('scheme');
  const authority = AUTHORITY.exec(text)?.[2];
  if (authority === undefined || !URL.canParse(text)) return refused('form');
  if (authority.includes('@')) return refused('userinfo');
  if (/[?#]/.test(text)) return refused('query');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return refused('scheme');
  const written = /^(.*?)(?::([1-9][0-9]{0,4}))?$/.exec(authority.toLowerCase());
  if (written?.[1] !== url.hostname) return refused('host_form');
  if (!isPlainPath(url.pathname)) return refused('path');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(written[2] ?? (url.protocol === 'https:' ? 443 : 80));
  if (!isListed(policy, host, port)) {
    if (url.protocol !== 'https:') return refused('scheme');
    if (!PORTS.has(port)) return refused('port');
    if (!isCallableHost(host)) return refused('host');
  }
  const href = `${url.origin}${url.pathname}`.replace(/\/+$/, '');
  return { ok: true, url: { href, origin: url.origin, protocol: url.protocol, host, port } };
}

function refused(problem: BaseUrlProblem): BaseUrlResult {
  return { ok: false, problem, hint: HINTS[problem] };
}

function isPlainPath(path: string): boolean {
  return !path.includes('//') && !/%(?:2[ef]|5c|00)/i.test(path);
}

function isCallableHost(host: string): boolean {
  if (addressFamily(host) !== 0) return isAddressAllowed(host, false);
  if (host.length > 253) return false;
  const labels = host.split('.');
  if (labels.length < 2 || labels.some((label) => !/^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label)))
    return false;
  const top = labels.at(-1) ?? '';
  return !INSIDE_NAMES.has(top) && !/^[0-9]/.test(top);
}
