import { ApiError, ConnectionError } from '@ownkey/sdk/api-error';
import type { TFunction } from 'i18next';
import { FieldError } from './field-error.ts';

/** What the reader is told of a failure. */
export interface Explained {
  text: string;
  action: string | null;
  code: string;
  requestId: string | null;
}

/**
 * The one translator from failures to what people read. The API's sentences hold their facts already; codes the console words
 * itself have an entry under `errors`.
 */
export function explainError(error: unknown, t: TFunction): Explained {
  if (error instanceof ApiError) return explainApi(error, t);
  if (error instanceof ConnectionError) {
    return { text: t('errors.connection'), action: t('errors.connection_action'), code: 'connection', requestId: null };
  }
  if (error instanceof FieldError) {
    const insecure = error.problem === 'insecure_context';
    const text = insecure
      ? t('errors.insecure_context', { origin: globalThis.location?.origin ?? '' })
      : t('errors.seal');
    return { text, action: null, code: `seal.${error.problem}`, requestId: null };
  }
  return { text: t('errors.internal'), action: t('errors.internal_action'), code: 'console', requestId: null };
}

function explainApi(error: ApiError, t: TFunction): Explained {
  const { title, detail, facts } = error.problem;
  const shared = { code: error.code, requestId: error.requestId };
  const seconds = typeof facts.seconds === 'number' ? facts.seconds : 60;
  if (error.code === 'auth.too_many_tries')
    return { ...shared, text: t('errors.too_many_tries', { seconds }), action: null };
  if (error.code === 'auth.wrong_password') return { ...shared, text: t('errors.wrong_password'), action: null };
  if (error.code === 'not_found') return { ...shared, text: t('errors.not_found'), action: null };
  if (error.code === 'probe.limited') return { ...shared, text: t('errors.probe_limited', { seconds }), action: null };
  return { ...shared, text: title, action: detail };
}

/** Whether the thing was changed by somebody else since it was read. */
export function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.code === 'conflict.changed';
}

/** The member of the body that the API refused, such as `company.per_day_usd`; null where it names none. */
export function refusedMember(error: unknown): string | null {
  if (!(error instanceof ApiError) || error.status !== 400) return null;
  return typeof error.problem.facts.param === 'string' ? error.problem.facts.param : null;
}
