/** The operator's list of private places that may be called: the setting `OWNKEY_EGRESS_ALLOW=host:port,…`. Never a tenant's. */
import { addressFamily, classifyAddress } from './address.ts';

/** Host (as a URL shows it, without brackets) and port, exactly. What a listed name resolves to may then be private. */
export interface EgressPolicy {
  readonly listed: ReadonlySet<string>;
}

/** Nothing private may be called. */
export const PUBLIC_ONLY: EgressPolicy = { listed: new Set() };

const entry = (host: string, port: number) => `${host.toLowerCase()} ${port}`;

export function isListed(policy: EgressPolicy, host: string, port: number): boolean {
  return policy.listed.has(entry(host, port));
}

/**
 * Reads the setting. Entries are `name:port`, `1.2.3.4:port` or `[::1]:port`; blanks around them are free. Metadata and link-local
 * addresses cannot be listed. Every problem is returned, none is thrown, and an entry with a problem is not in the policy.
 */
export function parseEgressAllow(text: string): { policy: EgressPolicy; problems: string[] } {
  const listed = new Set<string>();
  const problems: string[] = [];
  for (const part of text.split(',')) {
    const item = part.trim();
    if (item === '') continue;
    const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):([1-9][0-9]{0,4})$/.exec(item);
    const host = match?.[1] ?? match?.[2];
    const port = Number(match?.[3]);
    if (!match || host === undefined || port > 65_535) {
      problems.push(`"${item}" is not host:port`);
      continue;
    }
    const canonical = canonicalHost(match[1] === undefined ? host : `[${host}]`);
    if (canonical === null) problems.push(`"${item}" does not write its host in the usual form`);
    else if (addressFamily(canonical) !== 0 && classifyAddress(canonical) === 'refused') {
      problems.push(`"${item}" can never be called (metadata service, link-local or reserved address)`);
    } else listed.add(entry(canonical, port));
  }
  return { policy: { listed }, problems };
}

/** The host as URLs give it back, without brackets; null when it is not written that way already. */
function canonicalHost(host: string): string | null {
  if (!URL.canParse(`http://${host}/`)) return null;
  const { hostname } = new URL(`http://${host}/`);
  return hostname === host.toLowerCase() ? hostname.replace(/^\[|\]$/g, '') : null;
}
