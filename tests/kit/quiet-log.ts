import { createLogger } from '@ownkey/guard/log';
import { createScrubber } from '@ownkey/guard/scrub';

/** A logger for tests that do not look at the log. */
export const quiet = createLogger({ name: 'test', level: 'silent', scrubber: createScrubber(), write: () => {} });
