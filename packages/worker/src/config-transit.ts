import { readFileSync } from 'node:fs';
import { isListed, parseEgressAllow } from '@ownkey/guard/egress-policy';
import type { TransitOptions } from './kek/transit.ts';

/**
 * The settings of the KMS; null when the master key is a plain file. `text` reads one setting, `problems` gets what is wrong. The
 * address is the operator's own, so it may be private; plain http only where it is listed.
 */
export function readTransit(text: (name: string) => string | null, problems: string[]): TransitOptions | null {
  if ((text('OWNKEY_KEK_SOURCE') ?? 'file') !== 'transit') return null;
  const required = (name: string): string => {
    const value = text(name);
    if (value === null) problems.push(`OWNKEY_KEK_SOURCE=transit needs ${name}`);
    return value ?? '';
  };
  const url = required('OWNKEY_TRANSIT_URL').replace(/\/+$/, '');
  const key = required('OWNKEY_TRANSIT_KEY');
  const tokenFile = required('OWNKEY_TRANSIT_TOKEN_FILE');
  const mount = (text('OWNKEY_TRANSIT_MOUNT') ?? 'transit').replace(/^\/+|\/+$/g, '');
  for (const [name, value] of [
    ['OWNKEY_TRANSIT_KEY', key],
    ['OWNKEY_TRANSIT_MOUNT', mount],
    ['OWNKEY_TRANSIT_NAMESPACE', text('OWNKEY_TRANSIT_NAMESPACE') ?? ''],
  ] as const) {
    const isPath = name !== 'OWNKEY_TRANSIT_KEY';
    if (value !== '' && !(isPath ? /^\w[\w.-]*(?:\/\w[\w.-]*)*\/?$/ : /^\w[\w.-]*$/).test(value)) {
      problems.push(`${name} has a character that no name in Vault has`);
    }
  }
  problems.push(...addressProblems(url, text('OWNKEY_TRANSIT_HTTP_ALLOW') ?? ''));
  const caFile = text('OWNKEY_TRANSIT_CA_FILE');
  let ca: string | null = null;
  if (caFile !== null) {
    try {
      ca = readFileSync(caFile, 'utf8');
    } catch {
      problems.push(`OWNKEY_TRANSIT_CA_FILE names a file that cannot be read (${caFile})`);
    }
  }
  return { url, mount, key, tokenFile, namespace: text('OWNKEY_TRANSIT_NAMESPACE'), ca };
}

function* addressProblems(url: string, allow: string): Generator<string> {
  const { policy, problems } = parseEgressAllow(allow);
  for (const problem of problems) yield `OWNKEY_TRANSIT_HTTP_ALLOW: ${problem}`;
  if (!URL.canParse(url)) return;
  const { protocol, hostname, port, username, password, search, hash } = new URL(url);
  if (username !== '' || password !== '' || search !== '' || hash !== '') {
    yield 'OWNKEY_TRANSIT_URL must be an address without user name, password, query or fragment';
  }
  const host = hostname.replace(/^\[|\]$/g, '');
  if (protocol === 'http:' && !isListed(policy, host, Number(port || 80))) {
    yield `OWNKEY_TRANSIT_URL must be https; plain http only where OWNKEY_TRANSIT_HTTP_ALLOW lists ${hostname}:${port || 80}`;
  }
}
