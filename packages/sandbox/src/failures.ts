import type { Mint } from './mint.ts';
import type { ErrorKind, Profile } from './profile.ts';
import { bodyReply, type Reply } from './reply.ts';
import { fill, fillString } from './template.ts';

export type RetryAfter = number | 'none' | null;

/** A refusal in a provider's own shape. */
export class Refusal extends Error {
  readonly kind: ErrorKind;
  readonly param: string;
  /** Seconds; null: as the provider does it; 'none': no header at all. */
  readonly retryAfter: RetryAfter;

  constructor(kind: ErrorKind, message: string, details: { param?: string; retryAfter?: RetryAfter } = {}) {
    super(message);
    this.name = 'Refusal';
    this.kind = kind;
    this.param = details.param ?? '';
    this.retryAfter = details.retryAfter ?? null;
  }
}

export interface FailureContext {
  profile: Profile;
  endpoint: string;
  model: string;
  maskedKey: string;
  /** Four stars and the last four characters. */
  keyEnd: string;
  requestId: string;
  mint: Mint;
}

/** Renders a refusal as this provider would send it. Throws only if the profile itself is wrong. */
export function failureReply(refusal: Refusal, context: FailureContext): Reply {
  const { profile, endpoint, mint } = context;
  const shape = profile.endpointErrors.get(endpoint)?.get(refusal.kind) ?? profile.errors.get(refusal.kind);
  if (!shape) throw new Error(`${profile.id} has no shape for ${refusal.kind}`);
  const values = {
    message: refusal.message,
    param: refusal.param === '' ? null : refusal.param,
    model: context.model,
    masked_key: context.maskedKey,
    key_end: context.keyEnd,
    request_id: context.requestId,
    retry_after: typeof refusal.retryAfter === 'number' ? refusal.retryAfter : 1,
  };
  const headers: Record<string, string> = { 'content-type': shape.type || profile.jsonType };
  for (const [name, value] of Object.entries({ ...profile.headers, ...shape.headers }))
    headers[name] = fillString(value, values, mint);
  if (refusal.retryAfter === 'none') delete headers['retry-after'];
  else if (refusal.retryAfter !== null) headers['retry-after'] = String(refusal.retryAfter);
  const body = fill(shape.body, values, mint);
  return bodyReply(shape.status, headers, typeof body === 'string' ? body : JSON.stringify(body));
}
