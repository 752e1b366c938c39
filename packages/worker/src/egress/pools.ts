/** Connections by place. Bounds what lies idle: per place, in number of places, and in all. Running calls are not bounded here. */
import type { Connection, Place } from './connection.ts';

export interface PoolLimits {
  /** Idle connections of one place. */
  readonly idlePerPlace: number;
  /** Places with idle connections; the one idle longest goes first. */
  readonly places: number;
  /** Idle connections in all; the one idle longest goes first. */
  readonly idle: number;
}

interface Pool {
  readonly place: Place;
  /** Last in, first out, so that what is not needed grows old and ends. */
  readonly idle: Connection[];
  readonly busy: Set<Connection>;
}

export class Pools {
  readonly #limits: PoolLimits;
  readonly #connect: (place: Place) => Connection;
  /** In order of last use. */
  readonly #pools = new Map<string, Pool>();
  /** In order of becoming idle. */
  readonly #idle = new Set<Connection>();

  constructor(limits: PoolLimits, connect: (place: Place) => Connection) {
    this.#limits = limits;
    this.#connect = connect;
  }

  get counts(): { places: number; idle: number } {
    return { places: this.#pools.size, idle: this.#idle.size };
  }

  /** The place of this name if there is one, made by `make` else. */
  place(name: string, make: () => Place): Place {
    return this.#pools.get(name)?.place ?? make();
  }

  take(place: Place): Connection {
    const pool = this.#poolOf(place);
    for (let connection = pool.idle.pop(); connection; connection = pool.idle.pop()) {
      this.#idle.delete(connection);
      if (!connection.reusable) {
        connection.destroy();
        continue;
      }
      pool.busy.add(connection);
      return connection;
    }
    return this.#fresh(pool);
  }

  /** A connection that was never used, for a call that an old one just failed. */
  takeFresh(place: Place): Connection {
    return this.#fresh(this.#poolOf(place));
  }

  /** The call ended well and the answer was read to its end. */
  release(connection: Connection): void {
    const pool = this.#pools.get(connection.place.name);
    if (!pool?.busy.delete(connection)) return;
    if (!connection.reusable || pool.idle.length >= this.#limits.idlePerPlace) {
      connection.destroy();
      this.#tidy(pool);
      return;
    }
    connection.reused = true;
    pool.idle.push(connection);
    this.#idle.add(connection);
    while (this.#idle.size > this.#limits.idle) this.#evictOldest();
    while (this.#pools.size > this.#limits.places && this.#evictPlace());
  }

  /** The call ended in any other way, or the socket went away: never used again. */
  drop(connection: Connection): void {
    connection.destroy();
    this.#idle.delete(connection);
    const pool = this.#pools.get(connection.place.name);
    if (!pool) return;
    pool.busy.delete(connection);
    const at = pool.idle.indexOf(connection);
    if (at >= 0) pool.idle.splice(at, 1);
    this.#tidy(pool);
  }

  /** An idle connection's socket is gone. Busy ones are ended by their call. */
  lost(connection: Connection): void {
    if (this.#idle.has(connection)) this.drop(connection);
  }

  /** Ends the idle connections of all places that `select` names. */
  closeIdle(select: (place: Place) => boolean): void {
    for (const connection of this.#idle) if (select(connection.place)) this.drop(connection);
  }

  #poolOf(place: Place): Pool {
    const pool = this.#pools.get(place.name) ?? { place, idle: [], busy: new Set() };
    this.#pools.delete(place.name);
    this.#pools.set(place.name, pool);
    return pool;
  }

  #fresh(pool: Pool): Connection {
    const connection = this.#connect(pool.place);
    pool.busy.add(connection);
    return connection;
  }

  #evictOldest(): void {
    const [oldest] = this.#idle;
    if (oldest) this.drop(oldest);
  }

  /** Ends the idle connections of the place longest unused; false when every place is in use. */
  #evictPlace(): boolean {
    for (const pool of this.#pools.values()) {
      if (pool.idle.length === 0 || pool.busy.size > 0) continue;
      while (pool.idle[0]) this.drop(pool.idle[0]);
      return true;
    }
    return false;
  }

  #tidy(pool: Pool): void {
    if (pool.idle.length === 0 && pool.busy.size === 0) this.#pools.delete(pool.place.name);
  }
}
