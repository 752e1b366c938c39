import { type ErrorCode, type ErrorFacts, OwnkeyError } from '@ownkey/contract/errors';

/** A failure with further members in its problem, such as the steps of a test. They are scrubbed already. */
export class DetailedError extends OwnkeyError {
  readonly members: Readonly<Record<string, unknown>>;
  constructor(code: ErrorCode, facts: ErrorFacts, members: Readonly<Record<string, unknown>>) {
    super(code, facts);
    this.name = 'DetailedError';
    this.members = members;
  }
}
