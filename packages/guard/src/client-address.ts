import ipaddr from 'ipaddr.js';

/** Networks whose forwarding headers are believed. */
export type TrustedProxies = readonly (readonly [ipaddr.IPv4 | ipaddr.IPv6, number])[];

/** Reads addresses and networks (`10.0.0.0/8`, `::1`); `problems` names what is neither. */
export function parseTrustedProxies(items: readonly string[]): { proxies: TrustedProxies; problems: string[] } {
  const proxies: [ipaddr.IPv4 | ipaddr.IPv6, number][] = [];
  const problems: string[] = [];
  for (const item of items) {
    if (ipaddr.isValidCIDR(item)) proxies.push(ipaddr.parseCIDR(item));
    else if (ipaddr.isValid(item) && !/^\d+$/.test(item)) {
      const address = ipaddr.process(item);
      proxies.push([address, address.kind() === 'ipv4' ? 32 : 128]);
    } else problems.push(`${JSON.stringify(item.slice(0, 60))} is neither an address nor a network`);
  }
  return { proxies, problems };
}

/**
 * The client a request is from: the connection's peer, or, behind trusted proxies, the nearest address in `x-forwarded-for` that is
 * no trusted proxy. What a client itself wrote into that header stands before it and is never reached.
 */
export function clientAddress(peer: string, forwardedFor: string | undefined, proxies: TrustedProxies): string {
  const hops = (forwardedFor ?? '').split(',').map((hop) => hop.trim());
  let address = peer;
  while (isTrusted(address, proxies) && hops.length > 0) {
    const next = hops.pop() ?? '';
    if (!ipaddr.isValid(next)) return address;
    address = next;
  }
  return address;
}

/** What tries are counted by: an IPv4 address, or the /64 network that one IPv6 client may have to itself. */
export function addressKey(address: string): string {
  const parsed = parse(address);
  if (parsed === null) return '';
  if (parsed.kind() === 'ipv4') return parsed.toString();
  return `${parsed.toByteArray().slice(0, 8).join('.')}/64`;
}

/** The network of an address, as records may keep it: 203.0.113.0/24, 2001:db8:1::/48; null for what is no address. */
export function networkOf(address: string): string | null {
  const parsed = parse(address);
  if (parsed === null) return null;
  const bits = parsed.kind() === 'ipv4' ? 24 : 48;
  const bytes = parsed.toByteArray().map((byte, i) => (i < bits / 8 ? byte : 0));
  return `${ipaddr.fromByteArray(bytes).toString()}/${bits}`;
}

function parse(address: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  return ipaddr.isValid(address) ? ipaddr.process(address) : null;
}

function isTrusted(address: string, proxies: TrustedProxies): boolean {
  const parsed = parse(address);
  return (
    parsed !== null &&
    proxies.some(([network, bits]) => parsed.kind() === network.kind() && parsed.match([network, bits]))
  );
}
