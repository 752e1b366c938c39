/**
 * Which IP addresses may be called. Our own lists, from the IANA special-purpose registries (IPv4, IPv6; read 2026-11) and the
 * metadata services of the large clouds: a library's idea of "unicast" also covers addresses that lead inside (168.63.129.16,
 * 4000::1), and must not open anything by an upgrade. ipaddr.js parses and compares, and has the last word only to refuse.
 */
import ipaddr from 'ipaddr.js';

/**
 * `public`: may be called. `private`: only for a host and port the operator has named. `refused`: never; metadata services, link-local
 * addresses, and every way of writing an IPv4 address into an IPv6 one.
 */
export type AddressClass = 'public' | 'private' | 'refused';

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number];
const ranges = (...texts: string[]): Range[] => texts.map((text) => ipaddr.parseCIDR(text));

/** Refused before anything else, so that no list of private ranges can open them. */
const METADATA = ranges(
  '169.254.0.0/16', // link-local: AWS, Google, Azure, DigitalOcean, Oracle, ECS, EKS
  '100.100.100.200/32', // Alibaba
  '168.63.129.16/32', // Azure's host
  '192.0.0.192/32', // Oracle
  'fd00:ec2::/32', // AWS
  'fd20:ce::254/128', // Google
  'fd00:c1::/32', // Oracle
  'fe80::/10', // link-local
);

const PRIVATE = ranges(
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::1/128',
  'fc00::/7',
);

const REFUSED = ranges(
  '0.0.0.0/8',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/96', // unspecified, and IPv4 "compatible"
  '::ffff:0:0/96', // IPv4 mapped
  '::ffff:0:0:0/96', // IPv4 translated (SIIT)
  '64:ff9b::/96', // NAT64
  '64:ff9b:1::/48', // NAT64, local
  '100::/64',
  '100:0:0:1::/64',
  '2001::/23', // protocol assignments: Teredo, ORCHID and others
  '2001:db8::/32',
  '2002::/16', // 6to4
  '2620:4f:8000::/48',
  '3fff::/20',
  '5f00::/16',
  'fec0::/10',
  'ff00::/8',
);

/** Today's global unicast space; IANA has given out nothing else. */
const GLOBAL_IPV6 = ranges('2000::/3');

const OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);

/** 4 or 6 for an address in its usual form, 0 for anything else: no octal, short, hexadecimal forms, no zones, no brackets. */
export function addressFamily(text: string): 4 | 6 | 0 {
  if (IPV4.test(text)) return 4;
  if (text.length > 45 || text.includes('%')) return 0;
  return text.includes(':') && ipaddr.IPv6.isValid(text) ? 6 : 0;
}

/** Pure. Anything that is not an address in its usual form is `refused`. */
export function classifyAddress(text: string): AddressClass {
  const family = addressFamily(text);
  if (family === 0) return 'refused';
  const address = ipaddr.parse(text);
  const within = (list: readonly Range[]) =>
    list.some((range) => range[0].kind() === address.kind() && address.match(range));
  if (within(METADATA)) return 'refused';
  if (within(PRIVATE)) return 'private';
  if (within(REFUSED)) return 'refused';
  if (family === 6 && !within(GLOBAL_IPV6)) return 'refused';
  return address.range() === 'unicast' ? 'public' : 'refused';
}

/** Whether this address may be called; `listed` says that the operator named the host and port that led to it. */
export function isAddressAllowed(text: string, listed: boolean): boolean {
  const found = classifyAddress(text);
  return found === 'public' || (found === 'private' && listed);
}

/** Whether two texts are the same address, however IPv6 is abbreviated. Not an address: false. */
export function isSameAddress(a: string, b: string): boolean {
  if (addressFamily(a) === 0 || addressFamily(a) !== addressFamily(b)) return false;
  return ipaddr.parse(a).toNormalizedString() === ipaddr.parse(b).toNormalizedString();
}
