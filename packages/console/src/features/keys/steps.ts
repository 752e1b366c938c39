import type { JobSteps } from '@ownkey/sdk/sealed-keys';

export type StepState = 'waiting' | 'running' | 'done' | 'skipped' | 'failed';

export interface ShownStep {
  id: 'sealed' | 'shape' | 'list' | 'generate' | 'store';
  state: StepState;
  ms: number | null;
  models: number | null;
}

const REMOTE = ['shape', 'list', 'generate', 'store'] as const;

/** What is known of a running test: sealed here, then what the isolated worker reports. Unknown steps wait; the first runs. */
export function shownSteps(sealed: boolean, reported: JobSteps, ended: boolean): ShownStep[] {
  const steps: ShownStep[] = [
    { id: 'sealed', state: sealed ? 'done' : 'running', ms: null, models: null },
    ...REMOTE.map((id): ShownStep => {
      const step = reported.find((other) => other.step === id);
      return { id, state: step?.state ?? 'waiting', ms: step?.ms ?? null, models: step?.detail?.models ?? null };
    }),
  ];
  const moving = steps.some((step) => step.state === 'running');
  const next = steps.find((step) => step.state === 'waiting');
  if (sealed && !moving && !ended && next !== undefined) next.state = 'running';
  return steps;
}
