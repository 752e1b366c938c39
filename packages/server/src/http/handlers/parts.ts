import type { EgressPolicy } from '@ownkey/guard/egress-policy';
import type { Lookup } from '@ownkey/guard/resolve';
import type { EpochRules } from '@ownkey/policy/kek-epoch';
import type { Catalogue } from '@ownkey/providers/catalogue';
import type { TokenCounter } from '../../domain/estimate/token-counter.ts';
import type { SendResetCode } from '../../domain/sign-in/sign-in.ts';
import type { AfterAnswers } from '../../platform/after-answers.ts';
import type { Log } from '../../platform/logger.ts';
import type { Database } from '../../storage/database.ts';
import type { JobSignals } from '../../storage/job-signals.ts';

/** What handlers work with; made once by compose. */
export interface Parts {
  readonly database: Database;
  readonly signals: JobSignals;
  readonly catalogue: Catalogue;
  readonly egress: EgressPolicy;
  readonly tokenCounter: TokenCounter;
  readonly authSecret: string;
  readonly cookieName: string;
  readonly secure: boolean;
  readonly version: string;
  readonly kekEpoch: EpochRules;
  readonly installation: {
    readonly mode: 'development' | 'production';
    readonly hostName: string | null;
    readonly consoleUrl: string | null;
    readonly gatewayUrl: string;
    readonly sandboxUrl: string | null;
    readonly mailUrl: string | null;
    /** How mails leave; none: they stay queued. */
    readonly mail: 'smtp' | 'sandbox' | 'none';
  };
  /** Look-ups of names of webhooks. */
  readonly lookup: Lookup;
  /** Writes the mail with the code of a password reset. */
  readonly sendResetCode: SendResetCode;
  readonly afterAnswers: AfterAnswers;
  readonly log: Log;
}
