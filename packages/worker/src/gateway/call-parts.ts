import type { ProviderFailure } from '@ownkey/contract/dialect';
import type { Wire } from '@ownkey/contract/provider';
import type { Logger } from '@ownkey/guard/log';
import type { Scrubber } from '@ownkey/guard/scrub';
import type { Egress } from '../egress/egress.ts';
import type { KeyHealth } from '../health/key-health.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { AnswerMemory } from './answer-memory.ts';
import type { Route } from './route.ts';

/** What every call of the gateway shares. */
export interface CallParts {
  egress: Egress;
  ledger: Ledger;
  scrubber: Scrubber;
  log: Logger;
  headersTimeoutMs: number;
  idleTimeoutMs: number;
  /** Longest time a caller may take nothing of its answer. */
  stallMs: number;
  /** Body of a provider's failure in the caller's wire; the message is scrubbed already. */
  writeError: (wire: Wire, failure: ProviderFailure) => Buffer;
  /** The provider refused a parameter that was added for it: remembered, so that the next call goes without. */
  addedParametersRefused: (route: Route, failure: ProviderFailure) => void;
  /** The key is in use until the returned function is called. */
  enterKey: (keyId: string, version: number) => () => void;
  /** The company has a call until the returned function is called; `end` is called when it is erased meanwhile. */
  enterCompany: (companyId: string, end: () => unknown) => () => void;
  health: KeyHealth;
  answerMemory: AnswerMemory;
  now: () => number;
}
