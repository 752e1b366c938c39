import { type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from './Button.tsx';
import { CopyButton } from './CopyButton.tsx';
import { Icon, type IconName } from './Icon.tsx';

export type Tone = 'info' | 'good' | 'warn' | 'bad';

const TONES: Record<Tone, { box: string; icon: IconName; ink: string }> = {
  info: { box: 'bg-sunken', icon: 'alert', ink: 'text-text-2' },
  good: { box: 'bg-good-tint', icon: 'check', ink: 'text-good' },
  warn: { box: 'bg-warn-tint', icon: 'alert', ink: 'text-warn' },
  bad: { box: 'bg-bad-tint', icon: 'cross', ink: 'text-bad' },
};

/** A box that stays until its cause is gone. `live` speaks when it appears. */
export function Note(props: { tone: Tone; children: ReactNode; actions?: ReactNode; live?: 'polite' | 'assertive' }) {
  const tone = TONES[props.tone];
  return (
    <div
      role={props.live === 'assertive' ? 'alert' : props.live === 'polite' ? 'status' : undefined}
      className={`flex flex-wrap items-start gap-x-3 gap-y-2 rounded-card px-4 py-3 ${tone.box}`}
    >
      <Icon name={tone.icon} className={`mt-0.5 ${tone.ink}`} />
      <div className="min-w-0 flex-1 basis-56 [overflow-wrap:anywhere]">{props.children}</div>
      {props.actions === undefined ? null : <div className="flex flex-wrap gap-2">{props.actions}</div>}
    </div>
  );
}

export interface Failure {
  text: string;
  action: string | null;
  code: string;
  requestId: string | null;
}

/** An error where it arose: what happened, what to do, the code, the request id, a copy button. */
export function FailurePanel(props: { failure: Failure; lead?: string; onRetry?: () => void; actions?: ReactNode }) {
  const { t } = useTranslation();
  const { failure } = props;
  return (
    <Note
      tone="bad"
      live="assertive"
      actions={
        <>
          {props.actions}
          {props.onRetry === undefined ? null : <Button onClick={props.onRetry}>{t('action.try_again')}</Button>}
        </>
      }
    >
      <p>
        {props.lead === undefined ? null : `${props.lead} `}
        {failure.text} {failure.action}
      </p>
      <p className="mt-1 flex flex-wrap items-center gap-2 text-hint text-text-2">
        <code className="font-mono">{failure.code}</code>
        {failure.requestId === null ? null : <code className="font-mono">{failure.requestId}</code>}
        <CopyButton text={[failure.code, failure.requestId].filter((part) => part !== null).join(' ')} />
      </p>
    </Note>
  );
}

/** One sentence and one action; no picture. */
export function EmptyState({ children, actions }: { children: ReactNode; actions?: ReactNode }) {
  return (
    <div className="flex flex-col items-start gap-3 rounded-card border border-dashed border-border-strong px-4 py-6 sm:px-6">
      <p className="max-w-[70ch]">{children}</p>
      {actions === undefined ? null : <div className="flex flex-wrap gap-2">{actions}</div>}
    </div>
  );
}

/** Whether to show a skeleton: not in the first 200 ms, then for at least 300 ms, so that nothing flashes. */
export function useSkeleton(pending: boolean): boolean {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(pending), pending ? 200 : 300);
    return () => clearTimeout(timer);
  }, [pending]);
  return shown;
}

/** Grey lines in the shape of the list to come. */
export function SkeletonRows({ rows, label }: { rows: number; label: string }) {
  return (
    <div aria-busy="true" className="flex flex-col rounded-card border border-border bg-surface">
      <span className="sr-only">{label}</span>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are all alike
        <div key={row} className="flex min-h-14 items-center gap-3 border-border border-t px-4 first:border-t-0">
          <span className="size-8 rounded-control bg-sunken" />
          <span className="h-3 w-32 rounded-bar bg-sunken" />
          <span className="ms-auto h-3 w-20 rounded-bar bg-sunken" />
        </div>
      ))}
    </div>
  );
}
