import type { Provider } from '@ownkey/contract/api/providers';
import { useTranslation } from 'react-i18next';
import { Note } from '../../ui/Feedback.tsx';
import { connectOutcome } from './outcome.ts';
import { shownSteps } from './steps.ts';
import { TestSteps } from './TestSteps.tsx';
import type { TestRun } from './use-key-test.ts';

/** Steps as they happen, then one announced result. */
export function ConnectResult(props: {
  run: Extract<TestRun, { phase: 'testing' | 'done' | 'checking' }>;
  provider: Provider;
  /** Overrides the sentence of a good end (replacing has its own). */
  goodText?: string;
}) {
  const { t } = useTranslation();
  const { run, provider } = props;
  const outcome = run.phase === 'done' ? connectOutcome(run.key, provider.name, t) : null;
  const text = outcome === null ? null : outcome.tone === 'good' ? (props.goodText ?? outcome.text) : outcome.text;
  return (
    <div className="flex flex-col gap-4">
      {run.phase === 'checking' || (run.phase === 'done' && run.lost) ? null : (
        <TestSteps
          provider={provider.name}
          fingerprint={run.fingerprint}
          steps={shownSteps(run.phase === 'done' || run.sealed, run.steps, run.phase === 'done')}
        />
      )}
      <div role="status">
        {run.phase === 'checking' ? <p>{t('connect.lost')}</p> : null}
        {run.phase === 'done' && outcome !== null ? (
          <Note tone={outcome.tone}>
            {run.lost ? `${t('connect.lost_saved')} ` : null}
            {text}
          </Note>
        ) : null}
      </div>
    </div>
  );
}
