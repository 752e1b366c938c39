/**
 * `ownkey kek …`: a process of its own in the worker's role and behind its walls, because it holds the master keys. It may write one file,
 * `<master key file>.new`; the `ownkey` command, which reads no key, puts it in place.
 */
import { createLogger } from '@ownkey/guard/log';
import { createScrubber } from '@ownkey/guard/scrub';
import { draftFirstKekFile, newKekBlock } from '@ownkey/vault/kek-write';
import { ConfigError, readConfig, type WorkerConfig } from './config.ts';
import { createPool, sqlOf } from './database.ts';
import { checkMasterKeys } from './kek/check.ts';
import { destroyClosed, giveUpLost } from './kek/destroy.ts';
import { dryRun } from './kek/dry-run.ts';
import { openKekRing, wrapperOf } from './kek/load-keks.ts';
import { withKekLock } from './kek/lock.ts';
import { showProgress } from './kek/progress.ts';
import { rotate } from './kek/rotate.ts';
import { describeKeks } from './kek/status.ts';

type Pool = ReturnType<typeof createPool>;
type Say = (line: string) => void;

const ACTOR = 'operator';
/** Exit codes beside 0 and 1: another process changes master keys. */
const BUSY = 3;

/** What each word does; all but `make` have a database. Resolves to the exit code. */
const WORK: Readonly<Record<string, (config: WorkerConfig, pool: Pool, say: Say) => Promise<number>>> = {
  async status(config, pool, say) {
    const rules = { epochDays: numberOf('epoch-days'), backupDays: numberOf('backup-days') };
    for (const line of await describeKeks(sqlOf(pool), config.kekFile, rules)) say(line);
    return 0;
  },

  async check(config, pool, say) {
    const ring = await openKekRing(config);
    await checkMasterKeys(pool, ring, sourceOf(config));
    const { rows, damaged } = await dryRun(sqlOf(pool), ring);
    if (damaged.length === 0) say(`The master key opens all ${rows} rows.`);
    else
      say(
        `The master key is right; ${damaged.length} of ${rows} rows are damaged: ${named(damaged)}. Their keys have to be replaced.`,
      );
    return 0;
  },

  async 'dry-run'(config, pool, say) {
    const ring = await openKekRing(config);
    await checkMasterKeys(pool, ring, sourceOf(config));
    const { rows, ms, damaged } = await dryRun(sqlOf(pool), ring);
    say(`${rows} rows would be re-wrapped, in about ${Math.max(1, Math.ceil(ms / 500))} s. Nothing was changed.`);
    if (damaged.length > 0) say(`${damaged.length} rows do not open and would stay as they are: ${named(damaged)}.`);
    return 0;
  },

  async rotate(config, pool, say) {
    await checkMasterKeys(pool, await openKekRing(config), sourceOf(config));
    const { from, to, rows, damaged } = await rotate({
      pool,
      file: config.kekFile,
      wrapper: await wrapperOf(config),
      publish,
      actor: ACTOR,
      progress: showProgress(process.stdout),
    });
    say(`${rows} of ${rows} re-wrapped, ${damaged.length} damaged. Keys are stored under ${to} now.`);
    if (damaged.length > 0) say(`Damaged rows, which no master key opens: ${named(damaged)}.`);
    say(`Back up ${config.kekFile} now: it has changed. ${from.join(', ')} stays in it until it is destroyed.`);
    return 0;
  },

  async destroy(config, pool, say) {
    const ring = await openKekRing(config);
    const gone = await destroyClosed({ pool, ring, file: config.kekFile, publish, actor: ACTOR });
    if (gone.length === 0) say('There is no replaced master key to destroy.');
    else
      say(
        `Destroyed ${gone.join(', ')}. Backups of the database from before the rotation open no key any more; back up ${config.kekFile} anew and delete its old backups.`,
      );
    return 0;
  },

  async 'give-up'(config, pool, say) {
    const ring = await openKekRing(config);
    const { keks, keys } = await giveUpLost(pool, ring, sourceOf(config), ACTOR);
    if (keks.length === 0) say('Nothing is lost: every master key that is used is in the file.');
    else say(`Gave up ${keks.join(', ')}; ${keys} stored keys have to be pasted again.`);
    return 0;
  },
};

async function main(word: string): Promise<number> {
  const config = readConfig(undefined, undefined, word !== 'make');
  const say: Say = (line) => process.stdout.write(`${line}\n`);
  if (word === 'make') {
    const { kek, block } = await newKekBlock(await wrapperOf(config));
    draftFirstKekFile(config.kekFile, block);
    block.fill(0);
    say(kek.id);
    return 0;
  }
  const work = WORK[word];
  if (!work) throw new Error(`unknown: ${word}`);
  const log = createLogger({ name: 'kek', level: 'silent', scrubber: createScrubber(), write: () => {} });
  const pool = createPool({ connectionString: config.databaseUrl, name: 'kek', connectionsMax: 2, log });
  try {
    if (word === 'status' || word === 'check' || word === 'dry-run') return await work(config, pool, say);
    const locked = await withKekLock(config.databaseUrl, () => work(config, pool, say));
    if (locked) return locked.result;
    process.stderr.write('Another process changes master keys at the moment; see `ownkey kek status`.\n');
    return BUSY;
  } finally {
    await pool.end();
  }
}

const sourceOf = ({ transit }: WorkerConfig) => (transit === null ? 'file' : 'transit');

function named(ids: readonly string[]): string {
  const shown = ids.slice(0, 10).join(', ');
  return ids.length > 10 ? `${shown} and ${ids.length - 10} more` : shown;
}

function numberOf(name: string): number {
  const word = process.argv.find((given) => given.startsWith(`--${name}=`));
  return Number(word?.slice(name.length + 3) ?? 0);
}

/** Asks the command to put the changed file in place, and waits until it has. */
function publish(): Promise<void> {
  return new Promise((resolve, reject) => {
    process.once('message', (message: unknown) => {
      const problem =
        typeof message === 'object' && message !== null && 'problem' in message ? message.problem : 'no answer';
      if (problem === null) resolve();
      else reject(new Error(String(problem)));
    });
    process.send?.({ type: 'publish' });
  });
}

if (import.meta.filename === process.argv[1]) {
  let finished = false;
  // Nobody is left to put a file in place: what was begun goes on with the next command.
  process.on('disconnect', () => {
    if (!finished) process.exit(1);
  });
  main(process.argv[2] ?? '')
    .then(
      (code) => {
        process.exitCode = code;
      },
      (error: unknown) => {
        const text = error instanceof ConfigError || error instanceof Error ? error.message : String(error);
        process.stderr.write(`${createScrubber().scrubText(text)}\n`);
        process.exitCode = 1;
      },
    )
    .finally(() => {
      finished = true;
      if (process.connected) process.disconnect();
    });
}
