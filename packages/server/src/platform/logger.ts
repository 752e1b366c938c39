import { scrubbingLogOptions, scrubbingStream } from '@ownkey/guard/log';
import type { Scrubber } from '@ownkey/guard/scrub';
import pino from 'pino';

export type Log = pino.Logger;

/** JSON lines on `destination`; every value and every finished line passes the scrubber. */
export function createLog(
  level: string,
  scrubber: Scrubber,
  destination: { write(line: string): unknown } = process.stdout,
): Log {
  const options = scrubbingLogOptions(scrubber);
  return pino(
    {
      name: 'ownkey-server',
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { ...options.formatters, level: (label) => ({ level: label }) },
      hooks: { logMethod: options.hooks.logMethod },
    },
    scrubbingStream(scrubber, destination),
  );
}
