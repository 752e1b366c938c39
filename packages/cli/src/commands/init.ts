import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import type { Settings } from '../settings.ts';
import { migrateAt, type RolePasswords } from '../supervisor/database.ts';
import { localUrl } from '../supervisor/local-url.ts';
import { createMasterKey, createWrappedMasterKey } from '../supervisor/master-key.ts';
import { programPath } from '../supervisor/programs.ts';
import { runSeed } from '../supervisor/seed.ts';
import { type Command, UsageError } from './command.ts';
import { withEmbeddedDatabase } from './migrate.ts';

const ROLES = { control: 'ownkey_control', worker: 'ownkey_worker' } as const;

export const init: Command = {
  summary: 'Prepare an installation: master key, database roles, one-time link for the operator.',
  switches: ['reset-passwords'],
  help: `Usage: ownkey init [--reset-passwords]

Makes the master key if there is none (back it up: without it stored keys cannot be opened; with OWNKEY_KEK_SOURCE=transit
it is wrapped by HashiCorp Vault or OpenBao), creates the database roles
and schema as the owner (DATABASE_URL, or the embedded database of the data folder), and prints a one-time link with which
the operator signs in for the first time. For a database of your own it also prints the addresses for the two planes;
roles that exist keep their passwords unless --reset-passwords is given. Running it again changes nothing else.`,
  run: async ({ settings: read, switches, say }) => {
    const settings = read();
    const isMade =
      settings.kekSource === 'transit' ? await createWrappedMasterKey(settings) : createMasterKey(settings.kekFile);
    say(
      isMade
        ? `Made the master key ${settings.kekFile}. Back it up now, apart from the database: without it stored keys are lost.`
        : `The master key ${settings.kekFile} is there already.`,
    );
    if (settings.ownerUrl !== null) {
      const controlUrl = await initOwnDatabase(settings, settings.ownerUrl, switches.has('reset-passwords'), say);
      if (controlUrl === null)
        say('Give OWNKEY_CONTROL_DATABASE_URL too (or --reset-passwords) to get a link for the operator.');
      else await printOperatorLink(settings, controlUrl, say);
      return 0;
    }
    if (settings.controlUrl !== null || settings.workerUrl !== null) {
      throw new UsageError(
        "DATABASE_URL is not set: `ownkey init` needs the owner's address to create roles and tables.",
      );
    }
    await withEmbeddedDatabase(settings, 'init', say, async (databases) => {
      const applied = (await databases.migrate()) ?? [];
      say(
        applied.length === 0
          ? 'The embedded database is up to date.'
          : `Prepared the embedded database (${applied.length} migrations).`,
      );
      await printOperatorLink(settings, databases.controlUrl(), say);
    });
    say('Start with `ownkey start`.');
    return 0;
  },
};

/** Migrates, gives new roles a password each and prints their addresses. Returns the control role's address where known. */
async function initOwnDatabase(
  settings: Settings,
  ownerUrl: string,
  reset: boolean,
  say: (line: string) => void,
): Promise<string | null> {
  const existing = reset ? new Set<string>() : await existingRoles(ownerUrl);
  const passwords: { control?: string; worker?: string } = {};
  if (!existing.has(ROLES.control)) passwords.control = newPassword();
  if (!existing.has(ROLES.worker)) passwords.worker = newPassword();
  const given: RolePasswords = {
    ...(passwords.control === undefined ? {} : { controlPassword: passwords.control }),
    ...(passwords.worker === undefined ? {} : { workerPassword: passwords.worker }),
  };
  const applied = await migrateAt(ownerUrl, given);
  say(applied.length === 0 ? 'The database is up to date.' : `Applied ${applied.length} migrations.`);
  const controlUrl = passwords.control === undefined ? null : roleUrl(ownerUrl, ROLES.control, passwords.control);
  if (controlUrl !== null) say(`OWNKEY_CONTROL_DATABASE_URL=${controlUrl}`);
  if (passwords.worker !== undefined)
    say(`OWNKEY_WORKER_DATABASE_URL=${roleUrl(ownerUrl, ROLES.worker, passwords.worker)}`);
  if (controlUrl === null && passwords.worker === undefined)
    say('The two roles exist already and keep their passwords.');
  return controlUrl ?? settings.controlUrl;
}

async function printOperatorLink(settings: Settings, controlUrl: string, say: (line: string) => void): Promise<void> {
  const consoleUrl = settings.consoleUrl ?? localUrl(settings.host, settings.port);
  const result = await runSeed(
    programPath('seedInit'),
    settings,
    controlUrl,
    { OWNKEY_CONSOLE_URL: consoleUrl, OWNKEY_MODE: 'production' },
    { console_url: consoleUrl },
  );
  if (typeof result === 'object' && result !== null && 'url' in result && typeof result.url === 'string') {
    say(`Open this link once, within its time, to become the operator: ${result.url}`);
  } else {
    say('There is an operator already; no new link was made.');
  }
}

async function existingRoles(ownerUrl: string): Promise<Set<string>> {
  const client = new Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ rolname: string }>('SELECT rolname FROM pg_roles WHERE rolname = ANY($1)', [
      Object.values(ROLES),
    ]);
    return new Set(rows.map((row) => row.rolname));
  } finally {
    await client.end();
  }
}

function newPassword(): string {
  return randomBytes(32).toString('base64url');
}

/** The owner's address with another user: host, port, database and TLS options stay. */
function roleUrl(ownerUrl: string, role: string, password: string): string {
  const url = new URL(ownerUrl);
  url.username = role;
  url.password = password;
  return url.href;
}
