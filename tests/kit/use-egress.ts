/** Servers and egresses of one test file, closed after each test. */

import type { PooledEgressOptions } from '@ownkey/worker/egress/pooled-egress';
import { afterEach } from 'vitest';
import { callTo, canaryKey, customKey, type EgressKit, egressKit } from './egress.ts';
import { answer, type Behaviour, type ProviderServer, startProvider } from './provider-server.ts';

export const ok: Behaviour = (socket) => socket.write(answer('{"ok":1}'));

export function useEgress() {
  const started: (ProviderServer | EgressKit)[] = [];
  afterEach(async () => {
    for (const part of started.splice(0).toReversed()) await ('egress' in part ? part.egress.close() : part.close());
  });

  async function provider(behaviour: Behaviour, host?: string): Promise<ProviderServer> {
    const server = await startProvider(behaviour, host);
    started.push(server);
    return server;
  }

  function kit(listed: string, options: Parameters<typeof egressKit>[1] = {}): EgressKit {
    const made = egressKit(listed, options);
    started.push(made);
    return made;
  }

  /** Server, egress that may call it, and a stored key bound to it. */
  async function connected(behaviour: Behaviour, options: Partial<PooledEgressOptions> = {}) {
    const server = await provider(behaviour);
    const { egress, store } = kit(server.listed, options);
    const key = customKey(server.origin);
    const clearKey = canaryKey();
    store(key, clearKey);
    return { server, egress, store, key, clearKey, call: callTo(server.origin, key) };
  }

  return { provider, kit, connected };
}
