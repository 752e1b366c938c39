import { parseArgs } from 'node:util';
import { readSettings, type Settings } from '../settings.ts';

/** A subcommand of `ownkey`. */
export interface Command {
  readonly summary: string;
  /** Shown by `ownkey <name> --help`. */
  readonly help: string;
  /** Flags it takes besides --help that are there or not. */
  readonly switches?: readonly string[];
  /** Flags with a value. */
  readonly options?: readonly string[];
  /** Whether it takes words that are no flags. */
  readonly operands?: boolean;
  /** The exit code. A thrown error is printed and becomes 1. */
  run(given: Given): Promise<number>;
}

/** What the command line and environment gave. */
export interface Given {
  readonly switches: ReadonlySet<string>;
  readonly options: ReadonlyMap<string, string>;
  readonly operands: readonly string[];
  readonly settings: () => Settings;
  say(line: string): void;
}

/** A mistake in the command line: printed with a hint at --help, exit code 2. */
export class UsageError extends Error {}

/** The words after the command name, apart. */
export interface Words {
  readonly help: boolean;
  readonly switches: ReadonlySet<string>;
  readonly options: ReadonlyMap<string, string>;
  readonly operands: readonly string[];
}

/** Splits the words after the command name. @throws UsageError for anything the command does not take. */
export function readWords(command: Command, words: readonly string[]): Words {
  const known: Record<string, { type: 'boolean' | 'string' }> = { help: { type: 'boolean' } };
  for (const name of command.switches ?? []) known[name] = { type: 'boolean' };
  for (const name of command.options ?? []) known[name] = { type: 'string' };
  try {
    const allowPositionals = command.operands ?? false;
    const { values, positionals } = parseArgs({ args: [...words], options: known, strict: true, allowPositionals });
    const switches = new Set<string>();
    const options = new Map<string, string>();
    for (const [name, value] of Object.entries(values)) {
      if (typeof value === 'string') options.set(name, value);
      else switches.add(name);
    }
    return { help: values.help === true, switches, options, operands: positionals };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** What a command is given, read from this process. Relative paths count from the working directory. */
export function givenHere({ switches, options, operands }: Omit<Words, 'help'>): Given {
  return {
    switches,
    options,
    operands,
    settings: () => readSettings(process.env, process.cwd()),
    say: (line) => process.stdout.write(`${line}\n`),
  };
}

/** True as root; containers and CI often are. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}
