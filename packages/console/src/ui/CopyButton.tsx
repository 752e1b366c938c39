import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from './Icon.tsx';

/** Copies `text`; says so in the button itself for two seconds. */
export function CopyButton({ text, label, onCopied }: { text: string; label?: string; onCopied?: () => void }) {
  const { t } = useTranslation();
  const [state, setState] = useState<'idle' | 'done' | 'failed'>('idle');
  useEffect(() => {
    if (state === 'idle') return;
    const timer = setTimeout(() => setState('idle'), 2000);
    return () => clearTimeout(timer);
  }, [state]);
  const word =
    state === 'done' ? t('action.copied') : state === 'failed' ? t('action.copy_failed') : (label ?? t('action.copy'));
  return (
    <button
      type="button"
      onClick={() => {
        const writing = navigator.clipboard?.writeText(text) ?? Promise.reject(new Error('no clipboard'));
        writing.then(
          () => {
            setState('done');
            onCopied?.();
          },
          () => setState('failed'),
        );
      }}
      className="inline-flex min-h-6 items-center gap-1 rounded-bar px-1.5 text-hint font-medium text-text underline underline-offset-2 hover:bg-sunken coarse:min-h-11"
    >
      <Icon name={state === 'done' ? 'check' : 'copy'} />
      <span aria-live="polite">{word}</span>
    </button>
  );
}
