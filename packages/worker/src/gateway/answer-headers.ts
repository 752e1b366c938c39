import { RESPONSE_HEADERS } from '@ownkey/contract/headers';
import { formatUsd } from '@ownkey/contract/money';
import type { CallPlan } from './call-plan.ts';

/** What every answer of a reserved call says of it: whose key, which provider, what is left. */
export function answerHeaders({
  route,
  requestId,
  hold,
  sentMaxTokens,
  attempt,
}: Pick<CallPlan, 'route' | 'requestId' | 'hold' | 'sentMaxTokens' | 'attempt'>): Record<string, string> {
  const headers: Record<string, string> = {
    'cache-control': 'no-store',
    [RESPONSE_HEADERS.requestId]: requestId,
    [RESPONSE_HEADERS.keySource]: route.source,
    [RESPONSE_HEADERS.provider]: route.target.slug,
  };
  if (attempt.kind === 'fallback') headers[RESPONSE_HEADERS.fallback] = attempt.reason;
  if (route.source === 'own' && route.key.last4 !== null) headers[RESPONSE_HEADERS.keyLast4] = route.key.last4;
  if (hold.remainingNanoUsd !== null) headers[RESPONSE_HEADERS.capRemainingUsd] = formatUsd(hold.remainingNanoUsd);
  if (sentMaxTokens !== null) headers[RESPONSE_HEADERS.maxTokens] = String(sentMaxTokens);
  return headers;
}
