import { describe, expect, it } from 'vitest';
import { PUBLIC_ONLY, parseEgressAllow } from './egress-policy.ts';
import { AddressRefusedError, assertPinnedPeer, type Lookup, resolvePinned } from './resolve.ts';

/** A name server that answers each question with the next of the given answers. */
function nameServer(...answers: string[][]) {
  let questions = 0;
  const lookup: Lookup = async () =>
    (answers[Math.min(questions++, answers.length - 1)] ?? []).map((address) => ({ address }));
  return { lookup, asked: () => questions };
}
const refusal = async (
  host: string,
  port: number,
  lookup: Lookup,
  policy = PUBLIC_ONLY,
): Promise<AddressRefusedError> => {
  const error: unknown = await resolvePinned(host, port, { lookup, policy }).catch((thrown: unknown) => thrown);
  if (error instanceof AddressRefusedError) return error;
  throw new Error('nothing was refused');
};

describe('resolving a host', () => {
  it('pins what the one answer said', async () => {
    const server = nameServer(['93.184.216.34', '2606:4700::1'], ['127.0.0.1']);
    const pinned = await resolvePinned('api.example.com', 443, { lookup: server.lookup, policy: PUBLIC_ONLY });
    expect(pinned).toEqual([
      { address: '93.184.216.34', family: 4 },
      { address: '2606:4700::1', family: 6 },
    ]);
    expect(server.asked()).toBe(1);
  });

  it('asks nobody for an address', async () => {
    const server = nameServer(['127.0.0.1']);
    expect(await resolvePinned('8.8.8.8', 443, { lookup: server.lookup, policy: PUBLIC_ONLY })).toEqual([
      { address: '8.8.8.8', family: 4 },
    ]);
    expect((await refusal('127.0.0.1', 443, server.lookup)).reason).toBe('address');
    expect(server.asked()).toBe(0);
  });

  it.each([
    ['loopback', ['127.0.0.1']],
    ['private space', ['10.0.0.1']],
    ['a metadata service', ['169.254.169.254']],
    ['a mapped address', ['::ffff:127.0.0.1']],
    ['NAT64 to a metadata service', ['64:ff9b::a9fe:a9fe']],
    ['a zone', ['fe80::1%eth0']],
    ['one private address behind public ones', ['93.184.216.34', '8.8.8.8', '192.168.1.1']],
    ['something that is no address', ['localhost']],
  ])('refuses a name that leads to %s', async (_name, addresses) => {
    expect((await refusal('evil.example.com', 443, nameServer(addresses).lookup)).reason).toBe('address');
  });

  it('refuses a name without an answer, with too many, or whose look-up fails', async () => {
    expect((await refusal('x.example.com', 443, nameServer([]).lookup)).reason).toBe('no_answer');
    const many = Array.from({ length: 33 }, (_, i) => `8.8.8.${i}`);
    expect((await refusal('x.example.com', 443, nameServer(many).lookup)).reason).toBe('too_many_answers');
    const failing: Lookup = () => Promise.reject(new Error('ENOTFOUND secret-internal-name'));
    expect((await refusal('x.example.com', 443, failing)).reason).toBe('lookup_failed');
  });

  it('refuses with one and the same text, which names neither host nor address', async () => {
    const errors = [
      await refusal('10.0.0.1', 443, nameServer([]).lookup),
      await refusal('x.example.com', 443, nameServer(['10.0.0.1']).lookup),
      await refusal('x.example.com', 443, () => Promise.reject(new Error('x'))),
    ];
    expect(new Set(errors.map((error) => `${error.code} ${error.message}`))).toEqual(
      new Set(['OWNKEY_ADDRESS_REFUSED the address cannot be called']),
    );
  });
});

describe('a host the operator named', () => {
  const { policy } = parseEgressAllow('ollama.example.com:11434');
  it('may lead to private addresses, on its port alone', async () => {
    const { lookup } = nameServer(['10.1.2.3']);
    expect(await resolvePinned('ollama.example.com', 11434, { lookup, policy })).toEqual([
      { address: '10.1.2.3', family: 4 },
    ]);
    expect((await refusal('ollama.example.com', 443, lookup, policy)).reason).toBe('address');
    expect((await refusal('other.example.com', 11434, lookup, policy)).reason).toBe('address');
  });

  it.each([
    '169.254.169.254',
    '100.100.100.200',
    '168.63.129.16',
    'fd00:ec2::254',
    'fe80::1',
    '0.0.0.0',
    '::ffff:10.1.2.3',
  ])('never leads to %s', async (address) => {
    const { lookup } = nameServer(['10.1.2.3', address]);
    expect((await refusal('ollama.example.com', 11434, lookup, policy)).reason).toBe('address');
  });
});

describe('the other end of a connection', () => {
  it('has to be the pinned address', () => {
    const pinned = { address: '2606:4700::1', family: 6 } as const;
    expect(() => assertPinnedPeer('2606:4700:0:0::1', pinned)).not.toThrow();
    for (const peer of [undefined, '', '127.0.0.1', '2606:4700::2', '::ffff:127.0.0.1']) {
      expect(() => assertPinnedPeer(peer, pinned)).toThrow(expect.objectContaining({ reason: 'peer' }));
    }
  });
});
