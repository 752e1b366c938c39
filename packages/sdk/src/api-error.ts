/** What the API says beside an error's code (RFC 9457 members and facts such as `upgrade_url`). Never key material. */
export interface ApiProblem {
  readonly title: string;
  readonly detail: string | null;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** The API answered with an error. `code` is one of the error table (`@ownkey/contract/errors`). */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string;
  readonly requestId: string | null;
  readonly problem: ApiProblem;

  constructor(input: { status: number; code: string; requestId: string | null; problem: ApiProblem }) {
    super(input.problem.title);
    this.status = input.status;
    this.code = input.code;
    this.requestId = input.requestId;
    this.problem = input.problem;
  }
}

/**
 * No answer arrived: offline, refused, cut or timed out. Whether the API acted is unknown, so repeat a write only with the same
 * idempotency key (the calls of `keys.ts` mint one).
 */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

/** Reads an error answer of any shape; bodies that are not ours become `internal` with the status. Pure. */
export function toApiError(status: number, body: unknown, headerRequestId: string | null): ApiError {
  const members: Record<string, unknown> = isObject(body) ? body : {};
  const { type: _type, title, status: _status, detail, code, request_id, ...facts } = members;
  return new ApiError({
    status,
    code: typeof code === 'string' ? code : status === 404 ? 'not_found' : 'internal',
    requestId: typeof request_id === 'string' ? request_id : headerRequestId,
    problem: {
      title: typeof title === 'string' ? title : `The API answered ${status}.`,
      detail: typeof detail === 'string' ? detail : null,
      facts,
    },
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
