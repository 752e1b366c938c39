import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../postgres/embedded.ts';
import type { StopLimits } from '../postgres/postmaster.ts';
import type { Settings } from '../settings.ts';
import { loadFunction } from './programs.ts';

/** The database of an installation, embedded or given by address. */
export interface Databases {
  readonly embedded: boolean;
  /** The owner's address; null where only the two planes' addresses were given. */
  ownerUrl(): string | null;
  controlUrl(): string;
  workerUrl(): string;
  /** Process id of the embedded server. */
  pid(): number | null;
  /** Creates roles and applies migrations as the owner; names of what was applied, null where there is no owner address. */
  migrate(): Promise<string[] | null>;
  stop(limits: StopLimits): Promise<void>;
}

export interface DatabaseEvents {
  say(line: string): void;
  /** The embedded server died and runs again; `moved` when its address changed. */
  restarted(moved: boolean): void;
}

/** Uses the given addresses, or starts the embedded server and keeps it running. */
export async function openDatabases(settings: Settings, events: DatabaseEvents): Promise<Databases> {
  const { controlUrl, workerUrl, ownerUrl } = settings;
  if (controlUrl !== null && workerUrl !== null) {
    return {
      embedded: false,
      ownerUrl: () => ownerUrl,
      controlUrl: () => controlUrl,
      workerUrl: () => workerUrl,
      pid: () => null,
      migrate: async () => (ownerUrl === null ? null : await migrateAt(ownerUrl, {})),
      stop: async () => {},
    };
  }
  if (controlUrl !== null || workerUrl !== null) {
    throw new Error(
      'Give both OWNKEY_CONTROL_DATABASE_URL and OWNKEY_WORKER_DATABASE_URL, or neither for the embedded database.',
    );
  }
  return openEmbedded(settings.dataDirectory, events);
}

async function openEmbedded(dataDirectory: string, events: DatabaseEvents): Promise<Databases> {
  let postgres: EmbeddedPostgres | null = await startEmbeddedPostgres(dataDirectory);
  for (const note of postgres.notes) events.say(note);
  let latest: EmbeddedPostgres = postgres;
  let stopping = false;
  const keepRunning = async (): Promise<void> => {
    let wait = 250;
    for (;;) {
      const how = await latest.ended;
      postgres = null;
      if (stopping) return;
      events.say(`The database ended (${how}); starting it again.`);
      for (;;) {
        if (stopping) return;
        try {
          postgres = await startEmbeddedPostgres(dataDirectory, { port: latest.port });
          break;
        } catch (error) {
          events.say(error instanceof Error ? error.message : String(error));
          await sleep(wait);
          wait = Math.min(wait * 2, 10_000);
        }
      }
      const moved = postgres.port !== latest.port;
      latest = postgres;
      wait = 250;
      if (stopping) await postgres.stop();
      else events.restarted(moved);
    }
  };
  const running = keepRunning();
  return {
    embedded: true,
    ownerUrl: () => latest.url('owner'),
    controlUrl: () => latest.url('control'),
    workerUrl: () => latest.url('worker'),
    pid: () => postgres?.pid ?? null,
    migrate: () =>
      migrateAt(latest.url('owner'), {
        controlPassword: latest.controlPassword,
        workerPassword: latest.workerPassword,
      }),
    stop: async (limits) => {
      stopping = true;
      await postgres?.stop(limits);
      await Promise.race([running, sleep(1000)]);
    },
  };
}

/** Passwords for the two product roles; those left out stay as they are. */
export interface RolePasswords {
  readonly controlPassword?: string;
  readonly workerPassword?: string;
}

/** Brings the database at an owner's address to this build's schema. Safe to run from several processes at once. */
export async function migrateAt(ownerUrl: string, passwords: RolePasswords): Promise<string[]> {
  const migrate: (...words: never[]) => unknown = await loadFunction('migrate', 'migrate');
  const client = new Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    const applied: unknown = await Reflect.apply(migrate, undefined, [client, passwords]);
    return Array.isArray(applied) ? applied.map(String) : [];
  } finally {
    await client.end();
  }
}
