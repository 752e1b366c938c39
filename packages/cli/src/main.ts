import { readFileSync } from 'node:fs';
import { auditVerify } from './commands/audit.ts';
import { type Command, givenHere, readWords, UsageError } from './commands/command.ts';
import { dev } from './commands/dev.ts';
import { doctor } from './commands/doctor.ts';
import { importKeys } from './commands/import.ts';
import { init } from './commands/init.ts';
import { kekDestroy, kekGiveUp, kekRotate, kekStatus } from './commands/kek.ts';
import { migrate } from './commands/migrate.ts';
import { server, worker } from './commands/plane.ts';
import { start } from './commands/start.ts';

const COMMANDS: Readonly<Record<string, Command>> = {
  dev,
  init,
  start,
  server,
  worker,
  migrate,
  doctor,
  'audit verify': auditVerify,
  import: importKeys,
  'kek status': kekStatus,
  'kek rotate': kekRotate,
  'kek destroy': kekDestroy,
  'kek give-up': kekGiveUp,
};

const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** Runs the command line `words` and returns the exit code: 0 done, 1 failed, 2 used wrongly. */
async function main(words: readonly string[]): Promise<number> {
  const [first, ...rest] = words;
  if (first === undefined) {
    process.stderr.write(`${overview()}\n`);
    return EXIT.usage;
  }
  if (first === '--version' || first === '-v') {
    process.stdout.write(`${version()}\n`);
    return EXIT.ok;
  }
  if (first === '--help' || first === '-h' || first === 'help') {
    process.stdout.write(`${overview()}\n`);
    return EXIT.ok;
  }
  const pair = `${first} ${rest[0]}`;
  const name = Object.hasOwn(COMMANDS, pair) ? pair : first;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) throw new UsageError(unknownCommand(words));
  const given = readWords(command, name === first ? rest : rest.slice(1));
  if (given.help) {
    process.stdout.write(`${command.help}\n`);
    return EXIT.ok;
  }
  return command.run(givenHere(given));
}

function unknownCommand(words: readonly string[]): string {
  const second = Object.keys(COMMANDS).filter((name) => name.startsWith(`${words[0]} `));
  return second.length === 0
    ? `There is no command \`${words.join(' ')}\`.`
    : `\`ownkey ${words[0]}\` needs one of its commands: ${second.map((name) => `\`${name}\``).join(', ')}.`;
}

function overview(): string {
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(14)}${summary}`);
  return `Usage: ownkey <command> [--help]\n\n${lines.join('\n')}\n\n  --version     Print the version.`;
}

function version(): string {
  const parsed: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return typeof parsed === 'object' && parsed !== null && 'version' in parsed ? String(parsed.version) : 'unknown';
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`ownkey: ${error instanceof Error ? error.message : String(error)}\n`);
  if (error instanceof UsageError) process.stderr.write('Run `ownkey --help`, or `ownkey <command> --help`.\n');
  process.exitCode = error instanceof UsageError ? EXIT.usage : EXIT.failed;
}
// Whatever a library left open does not keep the command alive.
process.exit();
