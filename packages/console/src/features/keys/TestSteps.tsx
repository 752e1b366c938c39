import { useTranslation } from 'react-i18next';
import { formatLatency } from '../../format/count.ts';
import { Icon, Spinner } from '../../ui/Icon.tsx';
import type { ShownStep } from './steps.ts';

/** The steps of a test as they happen; the result beneath is what is announced. */
export function TestSteps({
  steps,
  provider,
  fingerprint,
}: {
  steps: readonly ShownStep[];
  provider: string;
  fingerprint: string | null;
}) {
  const { t, i18n } = useTranslation();
  const text = (step: ShownStep): string => {
    const running = step.state === 'running';
    switch (step.id) {
      case 'sealed':
        return t('step.sealed');
      case 'shape':
        return t('step.shape');
      case 'list':
        return running ? t('step.list_running', { provider }) : t('step.list', { provider });
      case 'generate':
        return running ? t('step.generate_running') : t('step.generate');
      case 'store':
        return running ? t('step.store_running') : t('step.store');
    }
  };
  return (
    <ol aria-label={t('connect.testing')} className="flex flex-col gap-2">
      {steps.map((step) => (
        <li
          key={step.id}
          className={`flex items-baseline gap-2 ${step.state === 'waiting' || step.state === 'skipped' ? 'text-text-3' : ''}`}
        >
          <span className="translate-y-0.5">
            <StepMark state={step.state} />
          </span>
          <span>
            {text(step)}
            <span className="sr-only"> ({t(`step.${step.state}`)})</span>
            {step.state === 'skipped' ? <span aria-hidden="true"> ({t('step.skipped')})</span> : null}
          </span>
          <span className="ms-auto text-hint whitespace-nowrap text-text-2">
            {step.id === 'sealed' && fingerprint !== null ? (
              <span className="font-mono">{t('step.vault', { fingerprint: fingerprint.slice(0, 9) })}</span>
            ) : null}
            {step.models === null ? null : `${t('step.models', { count: step.models })} · `}
            {step.ms === null ? null : formatLatency(step.ms, i18n.language)}
          </span>
        </li>
      ))}
    </ol>
  );
}

function StepMark({ state }: { state: ShownStep['state'] }) {
  if (state === 'running') return <Spinner />;
  if (state === 'done') return <Icon name="check" className="text-good" />;
  if (state === 'failed') return <Icon name="cross" className="text-bad" />;
  return <Icon name={state === 'skipped' ? 'dash' : 'ring'} />;
}
