/**
 * From a checked host to the addresses a connection may use. One look-up, every answer checked, and the connection is made to an
 * address from here, not to the name: a second answer of the name server is never asked for.
 */
import { addressFamily, isAddressAllowed, isSameAddress } from './address.ts';
import { type EgressPolicy, isListed } from './egress-policy.ts';

export interface PinnedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** All addresses of a name, as `dns.promises.lookup(host, { all: true, verbatim: true })` gives them. */
export type Lookup = (host: string) => Promise<readonly { readonly address: string }[]>;

export type RefusedReason = 'address' | 'no_answer' | 'too_many_answers' | 'lookup_failed' | 'peer';

/**
 * No connection is made. To a tenant all reasons must look alike, and like a closed port or a time-out, else they map the inside:
 * the message is constant, `reason` is for the operator's log.
 */
export class AddressRefusedError extends Error {
  override readonly name = 'AddressRefusedError';
  readonly code = 'OWNKEY_ADDRESS_REFUSED';
  readonly reason: RefusedReason;
  constructor(reason: RefusedReason) {
    super('the address cannot be called');
    this.reason = reason;
  }
}

const ANSWERS_MAX = 32;

/**
 * The addresses of `host`, in the order of the answer; never empty. One address that may not be called refuses the whole name.
 * `host` is a name or an address without brackets, as `BaseUrl.host`.
 * @throws AddressRefusedError
 */
export async function resolvePinned(
  host: string,
  port: number,
  by: { readonly lookup: Lookup; readonly policy: EgressPolicy },
): Promise<readonly [PinnedAddress, ...PinnedAddress[]]> {
  const listed = isListed(by.policy, host, port);
  const answers = addressFamily(host) === 0 ? await ask(host, by.lookup) : [{ address: host }];
  if (answers.length > ANSWERS_MAX) throw new AddressRefusedError('too_many_answers');
  const [first, ...rest] = answers.map(({ address }) => pin(address, listed));
  if (!first) throw new AddressRefusedError('no_answer');
  return [first, ...rest];
}

/** Whether a connected socket's other end is the pinned address. @throws AddressRefusedError `peer`: destroy the socket */
export function assertPinnedPeer(remoteAddress: string | undefined, pinned: PinnedAddress): void {
  if (remoteAddress === undefined || !isSameAddress(remoteAddress, pinned.address))
    throw new AddressRefusedError('peer');
}

async function ask(host: string, lookup: Lookup) {
  try {
    return await lookup(host);
  } catch {
    throw new AddressRefusedError('lookup_failed');
  }
}

function pin(address: string, listed: boolean): PinnedAddress {
  const family = addressFamily(address);
  if (family === 0 || !isAddressAllowed(address, listed)) throw new AddressRefusedError('address');
  return { address, family };
}
