import type { EgressPolicy } from '@ownkey/guard/egress-policy';
import type { Catalogue } from '@ownkey/providers/catalogue';
import type { Database } from '../../storage/database.ts';
import type { JobSignals } from '../../storage/job-signals.ts';

/** What handlers work with; made once by compose. */
export interface Parts {
  readonly database: Database;
  readonly signals: JobSignals;
  readonly catalogue: Catalogue;
  readonly egress: EgressPolicy;
  readonly authSecret: string;
  readonly cookieName: string;
  readonly secure: boolean;
  readonly version: string;
  readonly installation: {
    readonly mode: 'development' | 'production';
    readonly hostName: string | null;
    readonly consoleUrl: string | null;
    readonly gatewayUrl: string;
    readonly sandboxUrl: string | null;
    readonly mailUrl: string | null;
  };
  /** Sends the code of a password reset. */
  readonly sendResetCode: (email: string, code: string) => Promise<void>;
}
