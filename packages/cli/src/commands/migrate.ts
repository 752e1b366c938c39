import { mkdirSync } from 'node:fs';
import type { Settings } from '../settings.ts';
import { migrateAt, openDatabases } from '../supervisor/database.ts';
import { lockDataDirectory } from '../supervisor/lock.ts';
import type { Command } from './command.ts';

export const migrate: Command = {
  summary: "Bring the database to this version's schema.",
  help: `Usage: ownkey migrate

Connects as the owner (DATABASE_URL), creates the roles ownkey_control and ownkey_worker where they are missing and
applies what is missing. Safe to run from several machines at once and to run again. Without DATABASE_URL the embedded
database of the data folder is migrated; \`ownkey dev\` and \`ownkey start\` do that by themselves.`,
  run: async ({ settings: read, say }) => {
    const settings = read();
    const applied =
      settings.ownerUrl === null ? await migrateEmbedded(settings, say) : await migrateAt(settings.ownerUrl, {});
    for (const name of applied) say(`Applied ${name}`);
    say(applied.length === 0 ? 'The database is up to date.' : `Applied ${applied.length} migrations.`);
    return 0;
  },
};

async function migrateEmbedded(settings: Settings, say: (line: string) => void): Promise<string[]> {
  if (settings.controlUrl !== null || settings.workerUrl !== null) {
    throw new Error("DATABASE_URL is not set: migrations need the owner's address, not those of the two planes.");
  }
  return withEmbeddedDatabase(settings, 'migrate', say, async (databases) => (await databases.migrate()) ?? []);
}

/** Runs `work` on the embedded database of a data directory that nobody else uses, and stops it again. */
export async function withEmbeddedDatabase<T>(
  settings: Settings,
  command: string,
  say: (line: string) => void,
  work: (databases: Awaited<ReturnType<typeof openDatabases>>) => Promise<T>,
): Promise<T> {
  mkdirSync(settings.dataDirectory, { recursive: true, mode: 0o700 });
  const lock = await lockDataDirectory(settings.dataDirectory, command);
  try {
    const databases = await openDatabases(settings, { say, restarted: () => {} });
    try {
      return await work(databases);
    } finally {
      await databases.stop({ fastMs: 3000, immediateMs: 1000 });
    }
  } finally {
    lock.release();
  }
}
