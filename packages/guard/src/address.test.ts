import { describe, expect, it } from 'vitest';
import { addressFamily, classifyAddress, isAddressAllowed, isSameAddress } from './address.ts';

const PUBLIC = `8.8.8.8 1.1.1.1 104.18.7.192 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 11.0.0.0 9.255.255.255 100.63.255.255
  100.128.0.0 126.255.255.255 128.0.0.1 169.253.255.255 169.255.0.0 223.255.255.255 198.17.255.255 198.20.0.0 2606:4700:4700::1111
  2a00:1450:4001:80b::200e 2001:200::1 2400:cb00::1 2620:1ec::1`;

const PRIVATE = `10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.0.0 192.168.255.255 127.0.0.1 127.255.255.255 100.64.0.0
  100.127.255.255 ::1 fc00::1 fd12:3456:789a::1 fdff:ffff::1`;

const REFUSED: Readonly<Record<string, string>> = {
  'metadata services': `169.254.169.254 169.254.170.2 169.254.170.23 169.254.0.1 169.254.255.255 100.100.100.200 168.63.129.16 192.0.0.192
    fd00:ec2::254 fd00:ec2::23 fd20:ce::254 fd00:c1::a9fe:a9fe`,
  'this network, broadcast and reserved space': '0.0.0.0 0.1.2.3 255.255.255.255 240.0.0.1 254.1.1.1',
  'protocol and documentation space':
    '192.0.0.1 192.0.2.1 198.51.100.7 203.0.113.9 198.18.0.1 198.19.255.255 192.88.99.1 192.31.196.1 192.52.193.1 192.175.48.1',
  multicast: '224.0.0.1 239.255.255.250 ff02::1 ff0e::1',
  'unspecified and IPv4-compatible': ':: ::7f00:1 ::127.0.0.1 ::8.8.8.8',
  'IPv4-mapped': '::ffff:127.0.0.1 ::ffff:a9fe:a9fe ::ffff:8.8.8.8 0:0:0:0:0:ffff:10.0.0.1',
  'IPv4-translated': '::ffff:0:127.0.0.1 ::ffff:0:a9fe:a9fe',
  NAT64: '64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b::8.8.8.8 64:ff9b:1::a00:1',
  '6to4 and Teredo': '2002:7f00:1:: 2002:a9fe:a9fe::1 2001::1 2001:0:7f00:1::1',
  'link-local and site-local': 'fe80::1 febf::1 fec0::1 feff::1',
  'special IPv6 space':
    '100::1 100:0:0:1::1 2001:db8::1 2001:10::1 2001:20::1 2001:2::1 3fff::1 5f00::1 2620:4f:8000::1',
  'IPv6 outside of global unicast': '4000::1 8000::1 1::1 e000::1',
  'other spellings':
    '127.1 0x7f.0.0.1 0177.0.0.1 2130706433 127.0.0.01 010.0.0.1 1.2.3 1.2.3.4.5 256.1.1.1 [::1] fe80::1%eth0 2606:4700::1%1 1.1.1.1/8 8.8.8.8:53',
  'no address': 'localhost example.org - . : ::: g::1 12345::1 1:2:3:4:5:6:7:8:9',
};
const words = (text: string) => text.split(/\s+/);

describe('addresses', () => {
  it.each(words(PUBLIC))('%s may be called', (address) => {
    expect(classifyAddress(address)).toBe('public');
    expect(isAddressAllowed(address, false)).toBe(true);
  });

  it.each(words(PRIVATE))('%s may be called only where the operator named it', (address) => {
    expect(classifyAddress(address)).toBe('private');
    expect([isAddressAllowed(address, false), isAddressAllowed(address, true)]).toEqual([false, true]);
  });

  for (const [kind, addresses] of Object.entries(REFUSED)) {
    it.each(words(addresses))(`%s (${kind}) is never called, whatever the operator named`, (address) => {
      expect(classifyAddress(address)).toBe('refused');
      expect([isAddressAllowed(address, false), isAddressAllowed(address, true)]).toEqual([false, false]);
    });
  }

  it.each(['', ' ', '127.0.0.1 ', ' 127.0.0.1', '8.8.8.8\n', '8.8.8.8\u0000', `${'1:'.repeat(40)}1`])(
    'refuses %j',
    (text) => {
      expect(classifyAddress(text)).toBe('refused');
      expect(addressFamily(text)).toBe(0);
    },
  );

  it('are the same however IPv6 is abbreviated, and never across families', () => {
    expect(isSameAddress('2606:4700::6812:7c0', '2606:4700:0:0:0:0:6812:07c0')).toBe(true);
    expect(isSameAddress('8.8.8.8', '8.8.8.8')).toBe(true);
    for (const [a, b] of [
      ['8.8.8.8', '8.8.4.4'],
      ['::ffff:8.8.8.8', '8.8.8.8'],
      ['', ''],
      ['x', 'x'],
    ] as const) {
      expect(isSameAddress(a, b)).toBe(false);
    }
  });
});
