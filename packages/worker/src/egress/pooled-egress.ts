import { lookup as lookUp } from 'node:dns/promises';
import type { Socket } from 'node:net';
import type { BaseUrl } from '@ownkey/guard/base-url';
import { trustedContext } from '@ownkey/guard/pinned-connect';
import type { Lookup } from '@ownkey/guard/resolve';
import { scrubForms } from '@ownkey/guard/scrub-facts';
import { type Binding, type Envelope, openEnvelope } from '@ownkey/vault/envelope';
import type { KekRing } from '@ownkey/vault/kek';
import { RunningCall } from './call.ts';
import { Connection, type Place } from './connection.ts';
import { checkDestination, type DestinationRules } from './destination.ts';
import {
  type Egress,
  type EgressCall,
  EgressError,
  type EgressHandler,
  type EgressStream,
  type KeyRef,
} from './egress.ts';
import { Injector } from './late-injection.ts';
import { type PoolLimits, Pools } from './pools.ts';

/** Reads stored envelopes. */
export interface EnvelopeSource {
  /** From memory where possible. @throws EgressError `key.undecryptable`, `key.removed`, `ledger.unavailable` */
  get(key: KeyRef): Envelope | Promise<Envelope>;
  forget(keyId: string): void;
}

export interface EgressLimits extends PoolLimits {
  readonly idleMs: number;
  readonly headerBytesMax: number;
  readonly totalMs: number;
}

export const EGRESS_LIMITS: EgressLimits = {
  idlePerPlace: 64,
  places: 2000,
  idle: 4096,
  idleMs: 10_000,
  headerBytesMax: 32_768,
  totalMs: 3_600_000,
};

export interface PooledEgressOptions extends DestinationRules {
  readonly kekRing: KekRing;
  readonly envelopes: EnvelopeSource;
  /** A call was refused because its key is bound to another address; called for each. */
  readonly destinationChanged?: (key: KeyRef) => void;
  readonly connectTimeoutMs: number;
  /** PEM of further authorities, or null. */
  readonly extraCa: string | null;
  readonly lookup?: Lookup;
  /** For ids that providers answer with; by default what knows secrets by form and place alone. */
  readonly scrub?: (text: string) => string;
  readonly limits?: Partial<EgressLimits>;
}

/** What the probe of a key that is not stored yet needs beside `Egress`. */
export interface UnstoredEgress {
  /** As `send`, with the envelope of a key that is not in the database. */
  sendUnstored(call: EgressCall, envelope: Envelope, handler: EgressHandler): EgressStream;
}

const TARGETS_MAX = 10_000;
const systemLookup: Lookup = (host) => lookUp(host, { all: true, verbatim: true });

/** The worker's one way out. See `Egress` for the promises. */
export class PooledEgress implements Egress, UnstoredEgress {
  readonly #options: PooledEgressOptions;
  readonly #injector = new Injector();
  readonly #pools: Pools;
  readonly #sockets = new Set<Socket>();
  readonly #calls = new Map<string, Set<RunningCall>>();
  /** Destinations found right, so that an address is taken apart once and not at every call. */
  readonly #targets = new Map<string, BaseUrl>();
  readonly #totalMs: number;
  #closed = false;

  constructor(options: PooledEgressOptions) {
    this.#options = options;
    const limits = { ...EGRESS_LIMITS, ...options.limits };
    this.#totalMs = limits.totalMs;
    const parts = {
      rules: {
        lookup: options.lookup ?? systemLookup,
        policy: options.policy,
        secureContext: trustedContext(options.extraCa),
        timeoutMs: options.connectTimeoutMs,
      },
      injector: this.#injector,
      idleMs: limits.idleMs,
      headerBytesMax: limits.headerBytesMax,
      lost: (connection: Connection) => this.#pools.lost(connection),
      sockets: this.#sockets,
    };
    this.#pools = new Pools(limits, (place) => new Connection(place, parts));
  }

  /** For metrics and tests. `armed` is 0 when no call is between its start and its first write. */
  get counts(): { places: number; idle: number; sockets: number; calls: number; armed: number } {
    let calls = 0;
    for (const running of this.#calls.values()) calls += running.size;
    return { ...this.#pools.counts, sockets: this.#sockets.size, calls, armed: this.#injector.armed };
  }

  send(call: EgressCall, handler: EgressHandler): EgressStream {
    return this.#start(call, handler, () => this.#options.envelopes.get(call.key));
  }

  sendUnstored(call: EgressCall, envelope: Envelope, handler: EgressHandler): EgressStream {
    return this.#start(call, handler, () => envelope);
  }

  closeKey(keyId: string, version?: number): void {
    const covers = (of: number): boolean => version === undefined || of <= version;
    this.#options.envelopes.forget(keyId);
    for (const call of Array.from(this.#calls.get(keyId) ?? [])) {
      if (covers(call.call.key.version)) call.fail('key.removed', 'the key was removed, turned off or replaced');
    }
    this.#pools.closeIdle((place) => place.keyId === keyId && covers(place.keyVersion));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const running of Array.from(this.#calls.values())) {
      for (const call of Array.from(running)) call.fail('provider.cut', 'the worker is stopping');
    }
    this.#pools.closeIdle(() => true);
    await Promise.all(
      [...this.#sockets].map((socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()))),
    );
  }

  #start(call: EgressCall, handler: EgressHandler, envelope: () => Envelope | Promise<Envelope>): EgressStream {
    const running = new RunningCall(call, handler, {
      pools: this.#pools,
      injector: this.#injector,
      totalMs: this.#totalMs,
      scrub: this.#options.scrub ?? scrubForms,
      ended: (ended) => this.#forget(ended),
    });
    const { id } = call.key;
    const calls = this.#calls.get(id);
    if (calls) calls.add(running);
    else this.#calls.set(id, new Set([running]));
    // Callbacks come after `send` has returned: the caller has its stream by then.
    queueMicrotask(() => this.#run(running, envelope));
    return running;
  }

  #run(running: RunningCall, envelope: () => Envelope | Promise<Envelope>): void {
    if (running.done) return;
    const { call } = running;
    try {
      if (this.#closed) throw new EgressError('provider.unreachable', 'the worker is stopping', false);
      const target = this.#target(call.key, call.baseUrl);
      if (!call.request.path.startsWith('/')) throw new EgressError('provider.unreachable', 'bad path', false);
      const stored = call.key.keyless ? null : envelope();
      // The place is looked up when it is used, not before the wait: many first calls on a cold key must share one.
      const start = (read: Envelope | null): void =>
        running.start(this.#place(call.key, target), read && this.#opener(call.key, read));
      if (stored instanceof Promise) stored.then(start).catch((error: unknown) => failWith(running, error));
      else start(stored);
    } catch (error) {
      if (error instanceof EgressError && error.code === 'key.destination_changed')
        this.#options.destinationChanged?.(call.key);
      failWith(running, error);
    }
  }

  #target(key: KeyRef, baseUrl: string): BaseUrl {
    const name = `${key.provider}\n${key.destination}\n${baseUrl}`;
    const known = this.#targets.get(name);
    if (known) return known;
    const target = checkDestination(key, baseUrl, this.#options);
    if (this.#targets.size >= TARGETS_MAX) this.#targets.clear();
    this.#targets.set(name, target);
    return target;
  }

  #place(key: KeyRef, target: BaseUrl): Place {
    const name = `${key.owner}\n${key.id}\n${key.version}\n${key.keyless}\n${key.destination}\n${target.href}`;
    return this.#pools.place(name, () => ({ name, keyId: key.id, keyVersion: key.version, target, session: null }));
  }

  #opener(key: KeyRef, envelope: Envelope): () => Buffer {
    const { kekRing } = this.#options;
    return () => {
      try {
        return openEnvelope(envelope, bindingOf(key), kekRing);
      } catch (cause) {
        throw new EgressError('key.undecryptable', 'the envelope does not open', false, { cause });
      }
    };
  }

  #forget(ended: RunningCall): void {
    const { id } = ended.call.key;
    const calls = this.#calls.get(id);
    calls?.delete(ended);
    if (calls?.size === 0) this.#calls.delete(id);
  }
}

/** What a stored key's envelope is bound to, by the record the call was decided on. */
export function bindingOf(key: KeyRef): Binding {
  return {
    company: key.owner,
    provider: key.provider,
    key_id: key.id,
    version: key.version,
    destination: key.destination,
  };
}

function failWith(running: RunningCall, error: unknown): void {
  if (error instanceof EgressError) running.fail(error.code, error.message);
  else running.fail('provider.unreachable', error instanceof Error ? error.name : 'unknown');
}
