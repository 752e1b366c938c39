/** Settings of the running sandbox that tests change: `PUT /_control` with some of the fields, `DELETE` for the defaults. */
import { isJsonObject, type Json } from './json.ts';
import { isOutcome, type Outcome } from './keys.ts';

export interface ControlSettings {
  /** How late the first byte is for `slow` keys. */
  slow_ms: number;
  /** `slow` keys wait, instead, until this is set to false. */
  hold_first_byte: boolean;
  /** Every stream waits after so many chunks until this is set to null. */
  hold_after_chunks: number | null;
  /** How many chunks a stream for a `cut` key gets (a whole answer gets half its bytes). */
  cut_after_chunks: number;
  /** Bytes per write, cutting events and characters anywhere; 0: one event per write. */
  chunk_bytes: number;
  /** The whole answer in two writes, cut at this byte. */
  split_at: number | null;
  chunk_delay_ms: number;
  /** Length of the huge bodies, lines and endless streams. */
  huge_bytes: number;
  huge_line_bytes: number;
  /** Seconds in the `retry-after` of `rate_limited` keys; null: as the provider does it (1 s, or no header). */
  retry_after: number | null;
  /** Other outcomes than the keys say: by provider, or by `<provider>:<last four>`. */
  outcomes: Record<string, Outcome>;
}

export const DEFAULT_CONTROL: Readonly<ControlSettings> = {
  slow_ms: 3000,
  hold_first_byte: false,
  hold_after_chunks: null,
  cut_after_chunks: 4,
  chunk_bytes: 0,
  split_at: null,
  chunk_delay_ms: 0,
  huge_bytes: 64 * 1024 * 1024,
  huge_line_bytes: 5 * 1024 * 1024,
  retry_after: null,
  outcomes: {},
};

/** Checks a change; returns the problem as a sentence, or the fields to change. */
export function readControlChange(value: Json | undefined): Partial<ControlSettings> | string {
  if (!isJsonObject(value)) return 'The body has to be a JSON object.';
  const change: Partial<ControlSettings> = {};
  for (const [name, setting] of Object.entries(value)) {
    switch (name) {
      case 'slow_ms':
      case 'cut_after_chunks':
      case 'chunk_bytes':
      case 'chunk_delay_ms':
      case 'huge_bytes':
      case 'huge_line_bytes':
        if (!isCount(setting)) return `${name} has to be a whole number of 0 or more.`;
        change[name] = setting;
        break;
      case 'hold_after_chunks':
      case 'split_at':
      case 'retry_after':
        if (setting !== null && !isCount(setting)) return `${name} has to be a whole number of 0 or more, or null.`;
        change[name] = setting;
        break;
      case 'hold_first_byte':
        if (typeof setting !== 'boolean') return `${name} has to be true or false.`;
        change.hold_first_byte = setting;
        break;
      case 'outcomes': {
        const outcomes = readOutcomes(setting);
        if (outcomes === null) return 'outcomes has to be an object of outcome names.';
        change.outcomes = outcomes;
        break;
      }
      default:
        return `${name} is not a setting.`;
    }
  }
  return change;
}

function isCount(value: Json): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

function readOutcomes(value: Json): Record<string, Outcome> | null {
  if (!isJsonObject(value)) return null;
  const outcomes: Record<string, Outcome> = {};
  for (const [name, outcome] of Object.entries(value)) {
    if (!isOutcome(outcome)) return null;
    outcomes[name] = outcome;
  }
  return outcomes;
}

/** The settings in force, and a way to wait for them to change. */
export class Control {
  #settings: ControlSettings = { ...DEFAULT_CONTROL };
  #waiting = new Set<() => void>();

  get settings(): Readonly<ControlSettings> {
    return this.#settings;
  }

  change(change: Partial<ControlSettings>): void {
    this.#settings = { ...this.#settings, ...change };
    this.#wake();
  }

  reset(): void {
    this.#settings = { ...DEFAULT_CONTROL };
    this.#wake();
  }

  /** Waits until `holds` is false of the settings, or `signal` is aborted. */
  async waitWhile(holds: (settings: Readonly<ControlSettings>) => boolean, signal: AbortSignal): Promise<void> {
    while (holds(this.#settings) && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
