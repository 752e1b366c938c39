import { useTranslation } from 'react-i18next';
import { exactCount, formatCount, formatLatency } from '../format/count.ts';
import { exactUsd, formatUsd } from '../format/money.ts';
import { formatMoment, formatStamp, type Zone } from '../format/time.ts';

/** A moment as age or date; the whole stamp on hover and for assistive technology through `<time>`. */
export function Moment({ at, now }: { at: string; now: number }) {
  const { i18n } = useTranslation();
  return (
    <time dateTime={at} title={formatStamp(at, i18n.language)}>
      {formatMoment(at, now, i18n.language)}
    </time>
  );
}

export function Stamp({ at, zone }: { at: string; zone: Zone }) {
  const { i18n } = useTranslation();
  return <time dateTime={at}>{formatStamp(at, i18n.language, zone)}</time>;
}

export function Count({ value }: { value: number }) {
  const { i18n } = useTranslation();
  return <span title={exactCount(value, i18n.language)}>{formatCount(value, i18n.language)}</span>;
}

export function Money({ usd }: { usd: string }) {
  const { i18n } = useTranslation();
  return <span title={exactUsd(usd)}>{formatUsd(usd, i18n.language)}</span>;
}

export function Latency({ ms }: { ms: number }) {
  const { i18n } = useTranslation();
  return <>{formatLatency(ms, i18n.language)}</>;
}

/** Text from people or providers: a text node of its own direction, two lines, never markup. */
export function Foreign({ text, lines = 2 }: { text: string; lines?: 1 | 2 }) {
  return (
    <bdi
      dir="auto"
      title={text.slice(0, 500)}
      className={`${lines === 1 ? 'line-clamp-1' : 'line-clamp-2'} [overflow-wrap:anywhere]`}
    >
      {text}
    </bdi>
  );
}
