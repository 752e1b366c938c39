import { runKekProcess } from '../kek-process.ts';
import { runningWorkerUrl } from '../postgres/running.ts';
import type { Settings } from '../settings.ts';
import { dataDirectoryOwner } from '../supervisor/lock.ts';
import { masterKeyProblem } from '../supervisor/master-key.ts';
import { type Command, type Given, UsageError } from './command.ts';
import { withEmbeddedDatabase } from './migrate.ts';

const WHERE = `Uses OWNKEY_WORKER_DATABASE_URL, or the embedded database of the data folder, whether Ownkey runs or not.`;

export const kekStatus: Command = {
  summary: 'Show the master keys, what is stored under each, and when to rotate.',
  help: `Usage: ownkey kek status

Shows each master key with its state and how much is stored under it, which worker holds which, an open rotation, by when to
rotate and to destroy, and from when on keys that are removed today cannot be read in backups. Shows no key.
${WHERE}`,
  run: async (given) => {
    const settings = given.settings();
    return onDatabase(settings, given, (url) =>
      run(settings, url, ['status', `--epoch-days=${settings.kekEpochDays}`, `--backup-days=${settings.backupDays}`]),
    );
  },
};

export const kekRotate: Command = {
  summary: 'Replace the master key while everything runs; goes on where an interrupted rotation stopped.',
  switches: ['dry-run', 'destroy-old'],
  help: `Usage: ownkey kek rotate [--dry-run] [--destroy-old]

Makes a new master key, adds it to the master key file, waits until every worker has loaded it, switches writes to it and
re-wraps everything under the old one. Requests go on all the while. It may be stopped or killed at any moment: run it again.
Where workers run on several machines, it waits until the changed file has been copied to each.

--dry-run      Open and re-wrap everything in memory, count and time it, name what does not open, and change nothing.
--destroy-old  Afterwards destroy the replaced master key. Backups of the database from before then open no key any more.

Back up the master key file after each rotation. ${WHERE}`,
  run: async (given) => {
    const settings = given.settings();
    const { switches } = given;
    if (switches.has('dry-run') && switches.has('destroy-old')) throw new UsageError('--dry-run destroys nothing.');
    return onDatabase(settings, given, async (url) => {
      if (switches.has('dry-run')) return run(settings, url, ['dry-run']);
      const code = await run(settings, url, ['rotate']);
      return code === 0 && switches.has('destroy-old') ? run(settings, url, ['destroy']) : code;
    });
  },
};

export const kekDestroy: Command = {
  summary: 'Destroy master keys that a rotation replaced.',
  switches: ['yes'],
  help: `Usage: ownkey kek destroy --yes

Takes every master key that a finished rotation replaced out of the master key file, for good. From then on backups of the
database from before the rotation open no key, so keys that were removed then are dead in them too. Older copies of the
master key file have to be deleted as well. Do this when the backups of before the rotation have expired.
${WHERE}`,
  run: async (given) => {
    const settings = given.settings();
    if (!given.switches.has('yes')) {
      throw new UsageError(
        'Backups of before the rotation then open no key any more, and nothing undoes it; say --yes.',
      );
    }
    return onDatabase(settings, given, (url) => run(settings, url, ['destroy']));
  },
};

export const kekGiveUp: Command = {
  summary: 'Let Ownkey start although a master key is lost; its keys have to be pasted again.',
  switches: ['yes'],
  help: `Usage: ownkey kek give-up --yes

For a master key that is lost for good. Marks every stored key under a master key that is not in the file as one that cannot
be opened: it is shown as such and can be replaced. Putting the lost file back later does not undo this.
${WHERE}`,
  run: async (given) => {
    const settings = given.settings();
    if (!given.switches.has('yes')) throw new UsageError('This cannot be undone; say --yes.');
    return onDatabase(settings, given, (url) => run(settings, url, ['give-up']));
  },
};

async function run(settings: Settings, url: string, words: readonly string[]): Promise<number> {
  const { code } = await runKekProcess(settings, url, words, { output: 'inherit' });
  return code;
}

/** Runs `work` on the database, wherever it is and whether or not Ownkey runs. */
export async function onDatabase(
  settings: Settings,
  { say }: Pick<Given, 'say'>,
  work: (workerUrl: string) => Promise<number>,
): Promise<number> {
  const problem = masterKeyProblem(settings.kekFile);
  if (problem !== null) throw new Error(problem);
  if (settings.workerUrl !== null) return work(settings.workerUrl);
  if (dataDirectoryOwner(settings.dataDirectory) !== null) {
    const url = runningWorkerUrl(settings.dataDirectory);
    if (url === null)
      throw new Error('The data folder is in use, but its database does not run yet. Try again in a moment.');
    return work(url);
  }
  return withEmbeddedDatabase(settings, 'kek', say, async (databases) => {
    await databases.migrate();
    return work(databases.workerUrl());
  });
}
