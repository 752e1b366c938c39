import type { Logger } from '@ownkey/guard/log';
import { Client } from 'pg';

/** What the database tells, and what to do when it may have told something unheard. */
export interface ListenerEvents {
  /** Something of this company ('*' = of the installation) changed. */
  configChanged(companyId: string): void;
  /** This version of the key, and any before it, may not be used any more. */
  keyGone(keyId: string, version: number): void;
  /** The company was erased: none of its calls may go on. */
  companyGone(companyId: string): void;
  jobQueued(): void;
  /** Notifications may be lost: look up what they would have said. Called again and again until they arrive. */
  unsure(): void;
}

export interface ListenerOptions {
  connectionString: string;
  workerId: string;
  events: ListenerEvents;
  log: Logger;
  heartbeatMs?: number;
  /** Silence after which the connection counts as lost. */
  silenceMs?: number;
}

/** Silence of this share of what is allowed is a heartbeat that did not come back: what it may hide is looked up already. */
const DOUBT_SHARE = 0.5;

const RECONNECT_MAX_MS = 5_000;

/**
 * One LISTEN connection. A heartbeat goes through the database's own notification queue and back every 300 ms, so a connection
 * that is open but dead (a pulled cable, a stuck proxy) is doubted after 450 ms and given up after 900 ms. Reconnects with back-off
 * for ever.
 */
export class Listener {
  readonly #options: Required<ListenerOptions>;
  readonly #heartbeat: string;
  #client: Client | null = null;
  #lastHeard = 0;
  #watch: NodeJS.Timeout | null = null;
  #retry: NodeJS.Timeout | null = null;
  #retryMs = 0;
  #connecting = false;
  /** One statement at a time on the connection. */
  #beating = false;
  #stopped = false;

  constructor(options: ListenerOptions) {
    this.#options = { heartbeatMs: 300, silenceMs: 900, ...options };
    this.#heartbeat = `ownkey_beat_${options.workerId}`;
  }

  /** True while notifications arrive: the database was heard within the allowed silence. */
  get isSure(): boolean {
    return this.#client !== null && performance.now() - this.#lastHeard < this.#options.silenceMs;
  }

  /** Begins; the first connection is tried at once and in the background. */
  start(): void {
    this.#watch = setInterval(() => this.#check(), this.#options.heartbeatMs);
    void this.#connect();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#watch) clearInterval(this.#watch);
    if (this.#retry) clearTimeout(this.#retry);
    const client = this.#client;
    this.#client = null;
    await client?.end().catch(() => {});
  }

  #check(): void {
    if (this.#client === null) {
      this.#options.events.unsure();
    } else if (this.isSure) {
      const silentMs = performance.now() - this.#lastHeard;
      if (silentMs > this.#options.silenceMs * DOUBT_SHARE) this.#options.events.unsure();
      this.#beat(this.#client);
    } else {
      this.#lose(this.#client, new Error(`silent for ${this.#options.silenceMs} ms`));
    }
  }

  #beat(client: Client): void {
    if (this.#beating) return;
    this.#beating = true;
    const done = (): void => {
      this.#beating = false;
    };
    client.query(`NOTIFY ${this.#heartbeat}`).then(done, done);
  }

  async #connect(): Promise<void> {
    if (this.#stopped || this.#connecting) return;
    this.#connecting = true;
    const client = new Client({
      connectionString: this.#options.connectionString,
      connectionTimeoutMillis: 2_000,
      application_name: 'ownkey-worker-listen',
    });
    client.on('error', (error) => this.#lose(client, error));
    client.on('end', () => this.#lose(client, new Error('ended')));
    client.on('notification', ({ channel, payload }) => this.#hear(client, channel, payload ?? ''));
    try {
      await client.connect();
      await client.query(
        `LISTEN ownkey_config; LISTEN ownkey_key_gone; LISTEN ownkey_company_gone; LISTEN ownkey_job; LISTEN ${this.#heartbeat}; NOTIFY ${this.#heartbeat}`,
      );
    } catch (error) {
      client.end().catch(() => {});
      this.#connecting = false;
      this.#connectLater(error);
      return;
    }
    this.#connecting = false;
    if (this.#stopped) {
      await client.end().catch(() => {});
      return;
    }
    this.#client = client;
    this.#beating = false;
    this.#lastHeard = performance.now();
    if (this.#retryMs > 0) this.#options.log.info('notifications arrive again');
    this.#retryMs = 0;
    // Whatever happened before this moment was not heard.
    this.#options.events.configChanged('*');
    this.#options.events.unsure();
    this.#options.events.jobQueued();
  }

  #hear(client: Client, channel: string, payload: string): void {
    if (client !== this.#client) return;
    this.#lastHeard = performance.now();
    const { events } = this.#options;
    if (channel === 'ownkey_config') events.configChanged(payload);
    else if (channel === 'ownkey_job') events.jobQueued();
    else if (channel === 'ownkey_company_gone') events.companyGone(payload);
    else if (channel === 'ownkey_key_gone') {
      const [keyId = '', version = ''] = payload.split(' ');
      events.keyGone(keyId, Number(version));
    }
  }

  #lose(client: Client, error: Error): void {
    if (client !== this.#client || this.#stopped) return;
    this.#client = null;
    // A dead connection does not answer a polite end: its socket is closed at once.
    client.end().catch(() => {});
    Reflect.get(Reflect.get(client, 'connection') ?? {}, 'stream')?.destroy?.();
    this.#options.events.unsure();
    this.#connectLater(error);
  }

  #connectLater(error: unknown): void {
    if (this.#stopped) return;
    if (this.#retryMs === 0) this.#options.log.warn('no notifications from the database', { error });
    this.#retryMs = this.#retryMs === 0 ? 50 : Math.min(this.#retryMs * 2, RECONNECT_MAX_MS);
    this.#retry = setTimeout(() => void this.#connect(), this.#retryMs * (0.75 + Math.random() * 0.5));
  }
}
