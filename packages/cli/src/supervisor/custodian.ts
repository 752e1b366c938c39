import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { settlesWithin } from '../wait.ts';

export interface CustodianOptions {
  readonly workerUrl: () => string;
  readonly dataDirectory: string;
  say(line: string): void;
  /** Runs or goes on with a rotation; resolves to its exit code. */
  rotate(): Promise<number>;
  readonly everyMs?: number;
}

const EVERY_MS = 1_000;
/** A database that does not answer is not waited for long at a stop: what was not noted is noted at the next start. */
const STOP_LIMIT_MS = { lastLook: 500, disconnect: 200 } as const;
/** After a rotation that did not end: another process does it, or a worker lacks the new key. */
const ROTATE_AGAIN_MS = 30_000;
/** Transactions that commit late have lower numbers than ones that were seen. */
const OVERLAP = 1_000;
const BATCH = 1_000;

export const REMOVED_KEYS_FILE = 'removed-keys';

/**
 * What neither plane may do, done by the command that holds the data folder: it notes the ids of removed keys outside the database, so
 * that a restored backup does not bring them back to life, and runs rotations of the master key that an operator ordered.
 */
export class Custodian {
  readonly #options: CustodianOptions;
  readonly #file: string;
  readonly #noted: Set<string>;
  /** Its address may change when the database is started again. */
  #client: { readonly url: string; readonly connected: Client } | null = null;
  #seq = 0;
  #timer: NodeJS.Timeout | null = null;
  #working: Promise<void> | null = null;
  #rotating: Promise<void> | null = null;
  #rotateAt = 0;
  #failing = false;

  constructor(options: CustodianOptions) {
    this.#options = options;
    this.#file = join(options.dataDirectory, REMOVED_KEYS_FILE);
    this.#noted = new Set(readNoted(this.#file));
  }

  /** Removes what was removed before; then keeps watch. To be awaited before a worker starts. @throws what the database throws */
  async start(): Promise<void> {
    await this.#on(async (client) => {
      const ids = [...this.#noted];
      let buried = 0;
      for (let at = 0; at < ids.length; at += BATCH) {
        const { rowCount } = await client.query('SELECT * FROM bury_keys($1)', [ids.slice(at, at + BATCH)]);
        buried += rowCount ?? 0;
      }
      if (buried > 0) {
        this.#options.say(
          `This database comes from an older backup: ${buried} key(s) that were removed since were removed again.`,
        );
      }
      await this.#noteRemoved(client);
    });
    this.#timer = setInterval(() => {
      this.#working ??= this.#look().finally(() => {
        this.#working = null;
      });
    }, this.#options.everyMs ?? EVERY_MS);
    this.#timer.unref();
  }

  /**
   * Notes what was removed up to now, and ends: a backup may be put back before the next start. A rotation that runs is left to its own
   * process, which ends with this one.
   */
  async stop(): Promise<void> {
    if (this.#timer !== null) {
      clearInterval(this.#timer);
      await settlesWithin(this.#lookOnce(), STOP_LIMIT_MS.lastLook);
    }
    await settlesWithin(this.#disconnect(), STOP_LIMIT_MS.disconnect);
  }

  async #lookOnce(): Promise<void> {
    await this.#working;
    try {
      await this.#on((client) => this.#noteRemoved(client));
    } catch (error) {
      this.#tell(error);
    }
  }

  async #look(): Promise<void> {
    try {
      const isOrdered = await this.#on(async (client) => {
        await this.#noteRemoved(client);
        const { rowCount } = await client.query('SELECT 1 FROM kek_rotations WHERE finished_at IS NULL');
        return rowCount === 1;
      });
      this.#failing = false;
      if (isOrdered && this.#rotating === null && performance.now() >= this.#rotateAt) this.#beginRotation();
    } catch (error) {
      this.#tell(error);
    }
  }

  #tell(error: unknown): void {
    if (!this.#failing)
      this.#options.say(`Removed keys could not be noted: ${error instanceof Error ? error.message : String(error)}`);
    this.#failing = true;
  }

  #beginRotation(): void {
    this.#rotating = this.#options
      .rotate()
      .catch(() => 1)
      .then((code) => {
        if (code !== 0) this.#rotateAt = performance.now() + ROTATE_AGAIN_MS;
        this.#rotating = null;
      });
  }

  async #noteRemoved(client: Client): Promise<void> {
    for (;;) {
      const { rows } = await client.query<{ seq: string; key_id: string; at: Date }>(
        'SELECT seq::text, key_id, removed_at AS at FROM removed_keys WHERE seq > $1 ORDER BY seq LIMIT $2',
        [this.#seq - OVERLAP, OVERLAP + BATCH],
      );
      const fresh = rows.filter(({ key_id }) => !this.#noted.has(key_id));
      if (fresh.length > 0)
        append(this.#file, fresh.map(({ key_id, at }) => `${key_id} ${at.toISOString()}\n`).join(''));
      for (const { key_id } of fresh) this.#noted.add(key_id);
      this.#seq = Math.max(this.#seq, Number(rows.at(-1)?.seq ?? 0));
      if (rows.length < OVERLAP + BATCH) return;
    }
  }

  async #on<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const url = this.#options.workerUrl();
    if (this.#client?.url !== url) await this.#disconnect();
    this.#client ??= { url, connected: await connect(url, () => void this.#disconnect()) };
    try {
      return await work(this.#client.connected);
    } catch (error) {
      await this.#disconnect();
      throw error;
    }
  }

  async #disconnect(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.connected.end().catch(() => {});
  }
}

async function connect(url: string, lost: () => void): Promise<Client> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 9_000,
    query_timeout: 10_000,
    application_name: 'ownkey-custodian',
  });
  client.on('error', lost);
  await client.connect();
  return client;
}

function readNoted(file: string): string[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'latin1')
    .split('\n')
    .flatMap((line) => /^(key_[0-9a-z]+) /.exec(line)?.[1] ?? []);
}

function append(file: string, text: string): void {
  const fd = openSync(file, 'a', 0o600);
  try {
    appendFileSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
