import type { JobStep } from '@ownkey/contract/jobs';

/** The steps of one running job, shown live: every change is written in the background, in order; the newest state wins. */
export class StepLog {
  readonly #write: (steps: readonly JobStep[]) => Promise<void>;
  readonly #now: () => number;
  readonly #steps: JobStep[] = [];
  readonly #startedAt = new Map<string, number>();
  #writing: Promise<void> | null = null;
  #dirty = false;

  /** `write` may fail: steps are a courtesy, the job's end carries them again. */
  constructor(write: (steps: readonly JobStep[]) => Promise<void>, now: () => number = () => performance.now()) {
    this.#write = write;
    this.#now = now;
  }

  get steps(): readonly JobStep[] {
    return this.#steps;
  }

  begin(step: JobStep['step']): void {
    this.#startedAt.set(step, this.#now());
    this.#put({ step, state: 'running' });
  }

  end(step: JobStep['step'], state: 'done' | 'skipped' | 'failed', detail?: JobStep['detail']): void {
    const began = this.#startedAt.get(step);
    const ms = began === undefined ? 0 : Math.round(this.#now() - began);
    this.#put({ step, state, ms, ...(detail && { detail }) });
  }

  /** Whatever still runs has failed with this code. */
  failRunning(code: string): void {
    for (const { step, state } of this.#steps) if (state === 'running') this.end(step, 'failed', { code });
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  #put(entry: JobStep): void {
    const at = this.#steps.findIndex(({ step }) => step === entry.step);
    if (at >= 0) this.#steps[at] = entry;
    else this.#steps.push(entry);
    this.#dirty = true;
    this.#writing ??= this.#run();
  }

  async #run(): Promise<void> {
    while (this.#dirty) {
      this.#dirty = false;
      await this.#write([...this.#steps]).catch(() => {});
    }
    this.#writing = null;
  }
}
