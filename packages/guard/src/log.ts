/** A logger of JSON lines for processes without a logging library, and the same scrubbing for pino where it is used. */
import { SCRUB_CHARACTERS_MAX, type Scrubber } from './scrub.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

type Fields = Readonly<Record<string, unknown>>;
type Write = (message: string, fields?: Fields) => void;

/** Every record is scrubbed before it is written. Logging never throws, whatever it is given. */
export interface Logger extends Readonly<Record<LogLevel, Write>> {
  /** The same logger with these fields in every record. */
  child(fields: Fields): Logger;
}

export interface LoggerOptions {
  readonly name: string;
  /** The lowest level written; `silent` writes nothing. */
  readonly level: LogLevel | 'silent';
  readonly scrubber: Scrubber;
  /** Gets one whole line with its line break. */
  readonly write: (line: string) => void;
  readonly now?: () => number;
}

export function createLogger(options: LoggerOptions): Logger {
  return loggerWith(options, {});
}

function loggerWith(options: LoggerOptions, bound: Fields): Logger {
  const lowest = options.level === 'silent' ? LOG_LEVELS.length : LOG_LEVELS.indexOf(options.level);
  const at = (level: LogLevel): Write => {
    if (LOG_LEVELS.indexOf(level) < lowest) return () => {};
    return (message, fields) => options.write(toLine(options, level, message, { ...bound, ...fields }));
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    child: (fields) => loggerWith(options, { ...bound, ...fields }),
  };
}

function toLine(options: LoggerOptions, level: LogLevel, message: string, fields: Fields): string {
  const { scrubber, name } = options;
  const time = new Date(options.now?.() ?? Date.now()).toISOString();
  const head = { time, level, name, message: scrubber.scrubText(String(message)) };
  const tree = scrubber.scrubValue(fields);
  const line = JSON.stringify(typeof tree === 'object' ? { ...head, ...tree, ...head } : head);
  if (line.length <= SCRUB_CHARACTERS_MAX) return `${line}\n`;
  return `${JSON.stringify({ ...head, message: head.message.slice(0, 1024), cut: line.length })}\n`;
}

/** Options for `pino(options, stream)`, as plain data: nothing here imports pino. */
export function scrubbingLogOptions(scrubber: Scrubber) {
  return {
    hooks: {
      /** An Error as only argument keeps its place (`err`) and its message. */
      logMethod(this: unknown, args: unknown[], method: (...args: never[]) => void): void {
        const [first, ...rest] = args;
        const shaped = first instanceof Error ? [{ err: first }, ...(rest.length > 0 ? rest : [first.message])] : args;
        Reflect.apply(
          method,
          this,
          shaped.map((arg) => scrubber.scrubValue(arg)),
        );
      },
    },
    serializers: {
      /** In place of pino's own, which would name a scrubbed error's type "Object". */
      err: (error: unknown) => scrubber.scrubValue(error),
    },
    formatters: {
      bindings: (fields: Record<string, unknown>) => asRecord(scrubber.scrubValue(fields)),
    },
  };
}

/** The last pass over finished lines, for what serialisers and libraries add. A line beyond 16 KB is replaced by a note. */
export function scrubbingStream(scrubber: Scrubber, destination: { write(line: string): unknown }) {
  return {
    write(line: string): void {
      const length = line.length;
      const fits = length <= SCRUB_CHARACTERS_MAX;
      destination.write(
        fits ? scrubber.scrubText(line) : `${JSON.stringify({ msg: 'log line too long', cut: length })}\n`,
      );
    },
  };
}

function asRecord(tree: unknown): Record<string, unknown> {
  return typeof tree === 'object' && tree !== null ? { ...tree } : {};
}
