import type { Key } from '@ownkey/contract/api/keys';
import { ApiError } from '@ownkey/sdk/api-error';
import type { TFunction } from 'i18next';
import type { Tone } from '../../ui/Feedback.tsx';
import { providerWords } from './status.ts';

/** What connecting came to, in the words of its status. */
export function connectOutcome(key: Key, provider: string, t: TFunction): { tone: Tone; text: string } {
  const words = providerWords(key.status_detail, ':');
  switch (key.status) {
    case 'valid':
      return {
        tone: 'good',
        text: t('connect.connected', { provider, last4: key.last4 === null ? '' : ` ••••${key.last4}` }),
      };
    case 'limited':
      return { tone: 'info', text: t('connect.limited', { provider, words }) };
    case 'no_credit':
      return { tone: 'warn', text: t('connect.no_credit', { provider, words }) };
    case 'rate_limited':
      return { tone: 'warn', text: t('connect.rate_limited', { provider, words }) };
    case 'invalid':
    case 'undecryptable':
      return { tone: 'bad', text: t('connect.saved_invalid', { provider, words }) };
    default:
      return { tone: 'warn', text: t('connect.no_answer', { provider }) };
  }
}

/** The provider's words in a `key.rejected` error, quoted; null for other errors. */
export function rejection(error: unknown): string | null {
  if (!(error instanceof ApiError) || error.code !== 'key.rejected') return null;
  const { provider_message, probe } = error.problem.facts;
  const http_status = memberOf(memberOf(probe, 'status_detail'), 'http_status');
  return providerWords(
    {
      ...(typeof provider_message === 'string' && provider_message !== '' ? { provider_message } : {}),
      ...(typeof http_status === 'number' ? { http_status } : {}),
    },
    ':',
  );
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
