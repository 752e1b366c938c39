/** When a stored copy of a removed key becomes unreadable in backups: the master key it was stored under is replaced, then destroyed. */

export interface EpochState {
  /** Since when keys are stored under the present master key; null before a worker has started. */
  readonly currentSince: Date | null;
  /** When each master key that is not destroyed yet was replaced. */
  readonly replaced: readonly Date[];
}

export interface EpochRules {
  /** How often the master key is rotated; 0 = no promise. */
  readonly epochDays: number;
  /** How long backups are kept: a replaced master key is destroyed after that. */
  readonly backupDays: number;
}

export interface Epoch {
  /** When the present master key is to be replaced. */
  readonly endsAt: Date | null;
  /** When the oldest replaced one is to be destroyed. */
  readonly destroyBy: Date | null;
  readonly isOverdue: boolean;
  /** From when on no backup opens a key that is removed now; null when nothing is promised, or a rotation or destruction is overdue. */
  readonly unreadableBy: Date | null;
}

const DAY_MS = 86_400_000;

export function epochOf({ currentSince, replaced }: EpochState, rules: EpochRules, now: Date): Epoch {
  if (rules.epochDays === 0 || currentSince === null) {
    return { endsAt: null, destroyBy: null, isOverdue: false, unreadableBy: null };
  }
  const endsAt = new Date(currentSince.getTime() + rules.epochDays * DAY_MS);
  const ends = replaced.map((at) => at.getTime() + rules.backupDays * DAY_MS);
  const destroyBy = ends.length === 0 ? null : new Date(Math.min(...ends));
  const isOverdue = endsAt < now || (destroyBy !== null && destroyBy < now);
  return {
    endsAt,
    destroyBy,
    isOverdue,
    unreadableBy: isOverdue ? null : new Date(endsAt.getTime() + rules.backupDays * DAY_MS),
  };
}
