import type { FieldProblem } from '@ownkey/contract/field';

/** The secure field sealed nothing; `problem` says why, `closed` when it is not there. It never says more. */
export class FieldError extends Error {
  override readonly name = 'FieldError';
  readonly problem: FieldProblem | 'closed';
  constructor(problem: FieldProblem | 'closed') {
    super(`the secure field sealed nothing: ${problem}`);
    this.problem = problem;
  }
}
