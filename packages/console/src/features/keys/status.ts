import type { Key } from '@ownkey/contract/api/keys';
import type { TFunction } from 'i18next';
import { formatLatency } from '../../format/count.ts';
import { formatDay, formatMoment } from '../../format/time.ts';
import type { Tone } from '../../ui/Feedback.tsx';
import type { IconName } from '../../ui/Icon.tsx';

/** A key's status as people see it; a key that is turned off shows that alone. */
export type ShownStatus = Key['status'] | 'off';
/** The next step of a status. */
export type NextStep = 'manage' | 'test' | 'billing' | 'replace' | 'add_key' | 'turn_on';

export function shownStatus(key: Pick<Key, 'enabled' | 'status'>): ShownStatus {
  return key.enabled ? key.status : 'off';
}

export const STATUS_MARK: Record<ShownStatus, { icon: IconName; tone: Tone | 'quiet' }> = {
  valid: { icon: 'check', tone: 'good' },
  limited: { icon: 'half', tone: 'quiet' },
  rate_limited: { icon: 'clock', tone: 'warn' },
  no_credit: { icon: 'alert', tone: 'warn' },
  pending: { icon: 'ring', tone: 'quiet' },
  unreachable: { icon: 'barred', tone: 'warn' },
  invalid: { icon: 'cross', tone: 'bad' },
  undecryptable: { icon: 'cross', tone: 'bad' },
  off: { icon: 'dash', tone: 'quiet' },
};

export const NEXT_STEP: Record<ShownStatus, NextStep> = {
  valid: 'manage',
  limited: 'manage',
  rate_limited: 'add_key',
  no_credit: 'billing',
  pending: 'test',
  unreachable: 'test',
  invalid: 'replace',
  undecryptable: 'replace',
  off: 'turn_on',
};

/** How long a passing trouble may last before it needs attention. */
const PATIENCE_MS = 15 * 60_000;

/** Whether somebody should act on this key now. */
export function needsAttention(key: Pick<Key, 'enabled' | 'status' | 'status_detail'>, now: number): boolean {
  if (!key.enabled) return false;
  if (key.status === 'invalid' || key.status === 'undecryptable' || key.status === 'no_credit') return true;
  if (key.status !== 'unreachable' && key.status !== 'rate_limited') return false;
  const since = Date.parse(key.status_detail?.since ?? '');
  return !Number.isNaN(since) && now - since >= PATIENCE_MS;
}

/** The provider's own words and its status, in quotes and brackets with a leading colon or space; empty when it said nothing. */
export function providerWords(detail: Key['status_detail'], lead: ':' | ''): string {
  const words = detail?.provider_message;
  const status = detail?.http_status;
  const parts = [words ? `“${words}”` : null, status === undefined ? null : `(${status})`].filter(
    (part) => part !== null,
  );
  return parts.length === 0 ? '' : `${words ? lead : ''} ${parts.join(' ')}`;
}

export interface Reader {
  t: TFunction;
  locale: string;
  now: number;
}

/** One or two sentences: the fact, the provider's words, what it means. `provider` is its name. */
export function statusSentence(key: Key, provider: string, onFailure: 'stop' | 'platform', reader: Reader): string {
  const { t, locale, now } = reader;
  const detail = key.status_detail;
  const words = providerWords(detail, ':');
  const since = detail?.since === undefined ? null : formatMomentOrDay(detail.since, reader);
  switch (shownStatus(key)) {
    case 'off':
      return key.changed_by === null
        ? t('sentence.off')
        : t('sentence.off_by', { who: key.changed_by, day: formatDay(key.changed_at, locale) });
    case 'valid':
      return testedSentence(key, reader);
    case 'limited':
      return t('sentence.limited', { words });
    case 'rate_limited': {
      const after = onFailure === 'stop' ? t('sentence.then_stop') : t('sentence.then_shared');
      return detail?.until === undefined
        ? t('sentence.rate_limited', { provider, after })
        : t('sentence.rate_limited_until', { provider, after, until: formatDay(detail.until, locale) });
    }
    case 'no_credit':
      return t('sentence.no_credit', { provider, words });
    case 'pending':
      return detail?.until === undefined || Date.parse(detail.until) < now
        ? t('sentence.pending')
        : t('sentence.pending_until', { until: formatDay(detail.until, locale) });
    case 'unreachable': {
      const tries = detail?.tries === undefined ? '' : t('sentence.tries', { count: detail.tries });
      const text =
        since === null
          ? t('sentence.unreachable', { provider })
          : t('sentence.unreachable_since', { provider, since, tries });
      return key.base_url === null ? text : `${text} ${t('sentence.unreachable_custom')}`;
    }
    case 'invalid':
      return since === null
        ? t('sentence.invalid', { provider, words })
        : t('sentence.invalid_since', { provider, since, words });
    case 'undecryptable':
      return t('sentence.undecryptable');
  }
}

function testedSentence(key: Key, { t, locale, now }: Reader): string {
  const parts: string[] = [];
  if (key.tested_at !== null) {
    const ago = formatMoment(key.tested_at, now, locale);
    parts.push(
      key.latency_ms === null
        ? t('sentence.tested', { ago })
        : t('sentence.tested_latency', { ago, latency: formatLatency(key.latency_ms, locale) }),
    );
  }
  if (key.models_count !== null) parts.push(t('sentence.models', { count: key.models_count }));
  return parts.join(' ');
}

/** A clock time for today's facts, a day for older ones. */
function formatMomentOrDay(at: string, { locale, now }: Reader): string {
  const today = new Date(at).toDateString() === new Date(now).toDateString();
  if (!today) return formatDay(at, locale);
  return new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(new Date(at));
}

/** The line beneath the badge in a list: short, the rest is in the detail. */
export function shortLine(key: Key, reader: Reader): string {
  const status = shownStatus(key);
  if (status === 'valid') {
    const tested = key.tested_at === null ? null : formatMoment(key.tested_at, reader.now, reader.locale);
    const latency = key.latency_ms === null ? null : formatLatency(key.latency_ms, reader.locale);
    return [tested, latency].filter((part) => part !== null).join(', ');
  }
  if (status === 'off' || status === 'undecryptable') return '';
  return providerWords(key.status_detail, '').trim();
}

/** "OpenAI ••••1a2b", the name of a key in sentences; its label where it has no last four. */
export function nameOfKey(key: Pick<Key, 'last4' | 'label'>, provider: string): string {
  if (key.last4 !== null) return `${provider} ••••${key.last4}`;
  return key.label === '' ? provider : `${provider} “${key.label}”`;
}
