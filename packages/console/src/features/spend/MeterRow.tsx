import type { ReactNode } from 'react';
import { Meter, type MeterTone } from '../../ui/Meter.tsx';

const WORDS: Record<MeterTone, string> = {
  plain: 'text-text-2',
  warn: 'font-medium text-warn',
  bad: 'font-medium text-bad',
};

/** A line of the overview: what, how much, how much of its limit, and what else is to say of it. */
export function MeterRow(props: {
  name: string;
  figure: ReactNode;
  /** Beside the figure: "80 % used". */
  word?: string | undefined;
  /** Absent: there is no limit to measure against. */
  meter?: { used: number; held: number; tone: MeterTone } | undefined;
  children?: ReactNode;
}) {
  const { meter, word } = props;
  return (
    <div className="grid gap-x-6 gap-y-2 border-t border-border px-4 py-4 first:border-t-0 sm:grid-cols-[112px_minmax(0,5fr)_minmax(0,7fr)] sm:px-6">
      <h2 className="font-medium text-text-2">{props.name}</h2>
      <p className="flex flex-wrap items-baseline gap-x-2">
        <span className="text-dialog font-semibold">{props.figure}</span>
        {word === undefined ? null : <span className={WORDS[meter?.tone ?? 'plain']}>{word}</span>}
      </p>
      <div className="flex min-w-0 flex-col gap-1.5 text-text-2">
        {meter === undefined ? null : (
          <div className="flex h-6 items-center">
            <Meter label={props.name} text={word ?? ''} used={meter.used} held={meter.held} tone={meter.tone} />
          </div>
        )}
        {props.children}
      </div>
    </div>
  );
}
