import { describe, expect, test } from 'vitest';
import { addressKey, clientAddress, networkOf, parseTrustedProxies } from './client-address.ts';

const { proxies } = parseTrustedProxies(['10.0.0.0/8', '192.0.2.1', '::1', 'fd00::/8']);

describe('the client of a request', () => {
  test.each([
    ['nobody in between', '203.0.113.9', undefined, '203.0.113.9'],
    ['a header of a peer that is not trusted', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['one proxy', '10.1.2.3', '203.0.113.9', '203.0.113.9'],
    ['two proxies', '10.1.2.3', '203.0.113.9, 192.0.2.1', '203.0.113.9'],
    ['what the client wrote in front', '10.1.2.3', '127.0.0.1, 8.8.8.8, 203.0.113.9', '203.0.113.9'],
    ['a proxy alone', '10.1.2.3', undefined, '10.1.2.3'],
    ['rubbish from the client', '10.1.2.3', '203.0.113.9, <script>', '10.1.2.3'],
    ['an IPv4 proxy on an IPv6 socket', '::ffff:10.1.2.3', '203.0.113.9', '203.0.113.9'],
    ['IPv6', 'fd00::7', '2001:db8::9', '2001:db8::9'],
  ])('%s', (_, peer, header, client) => {
    expect(clientAddress(peer, header, proxies)).toBe(client);
  });

  test('nobody is trusted where none is named', () => {
    expect(clientAddress('127.0.0.1', '203.0.113.9', [])).toBe('127.0.0.1');
  });
});

test('what is no address or network is named', () => {
  expect(parseTrustedProxies(['10.0.0.0/33', 'proxy', '7', '10.0.0.1']).problems).toHaveLength(3);
});

test('tries are counted by IPv4 address, and by the network of 64 bits that an IPv6 client has', () => {
  expect(addressKey('203.0.113.9')).toBe(addressKey('::ffff:203.0.113.9'));
  expect(addressKey('203.0.113.9')).not.toBe(addressKey('203.0.113.8'));
  expect(addressKey('2001:db8::1')).toBe(addressKey('2001:db8::ffff'));
  expect(addressKey('2001:db8::1')).not.toBe(addressKey('2001:db8:0:1::1'));
});

test('records keep the network of an address, not the address', () => {
  expect([networkOf('203.0.113.9'), networkOf('2001:db8:1:2::3'), networkOf('no')]).toEqual([
    '203.0.113.0/24',
    '2001:db8:1::/48',
    null,
  ]);
});
