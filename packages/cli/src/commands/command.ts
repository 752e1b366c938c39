import { parseArgs } from 'node:util';
import { readSettings, type Settings } from '../settings.ts';

/** A subcommand of `ownkey`. */
export interface Command {
  readonly summary: string;
  /** Shown by `ownkey <name> --help`. */
  readonly help: string;
  /** Flags it takes besides --help; all of them are switches. */
  readonly switches?: readonly string[];
  /** The exit code. A thrown error is printed and becomes 1. */
  run(given: Given): Promise<number>;
}

/** What the command line and environment gave. */
export interface Given {
  readonly switches: ReadonlySet<string>;
  readonly settings: () => Settings;
  say(line: string): void;
}

/** A mistake in the command line: printed with a hint at --help, exit code 2. */
export class UsageError extends Error {}

/** Splits the words after the command name. @throws UsageError for anything the command does not take. */
export function readWords(command: Command, words: readonly string[]): { help: boolean; switches: Set<string> } {
  const options: Record<string, { type: 'boolean' }> = { help: { type: 'boolean' } };
  for (const name of command.switches ?? []) options[name] = { type: 'boolean' };
  try {
    const { values } = parseArgs({ args: [...words], options, strict: true, allowPositionals: false });
    return { help: values.help === true, switches: new Set(Object.keys(values)) };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** What a command is given, read from this process. Relative paths count from the working directory. */
export function givenHere(switches: ReadonlySet<string>): Given {
  return {
    switches,
    settings: () => readSettings(process.env, process.cwd()),
    say: (line) => process.stdout.write(`${line}\n`),
  };
}

/** True as root; containers and CI often are. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}
