import { scrubForms } from '@ownkey/guard/scrub-facts';

/** A try that did not arrive. `reason` is for the operator: a tenant sees the status alone. */
export class SendFailure extends Error {
  override readonly name = 'SendFailure';
  readonly reason: string;
  readonly status: number | null;
  /** No further try can help. */
  readonly final: boolean;
  constructor(reason: string, { status = null, final = false }: { status?: number | null; final?: boolean } = {}) {
    super(reason);
    this.reason = reason;
    this.status = status;
    this.final = final;
  }
}

/** What a library threw, as a failure: its code and its own words, which may repeat what was sent to a mail server. */
export function failureOf(error: unknown): SendFailure {
  if (error instanceof SendFailure) return error;
  if (!(error instanceof Error)) return new SendFailure('unknown');
  const code = 'code' in error && typeof error.code === 'string' ? `${error.code}: ` : '';
  return new SendFailure(scrubForms(`${code}${error.message}`));
}
