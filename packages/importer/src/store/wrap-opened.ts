/** From an opened key to an envelope: the only lines of the import that look at a clear key. It is erased on every way out. */
import type { Scrubber } from '@ownkey/guard/scrub';
import { type Catalogue, keyShapes } from '@ownkey/providers/catalogue';
import { type Envelope, wrapKey } from '@ownkey/vault/envelope';
import type { KekRing } from '@ownkey/vault/kek';
import { checkKeyShape, lastFour, maskOf } from '@ownkey/vault/shape';
import { RowFault } from '../faults.ts';
import type { PlannedKey } from './plan-row.ts';

/** A key encrypted for its place; `hint` says what its form tells, and holds no part of it. */
export interface WrappedKey {
  readonly envelope: Envelope;
  readonly last4: string | null;
  readonly mask: string;
  /** The row's label, without the key where somebody wrote it there. */
  readonly label: string;
  readonly hint: string;
}

/**
 * The checks of a pasted key, then the envelope. Erases `clearKey`. The worker's own way (`wrapPasted`) hangs on its egress, which this
 * process does not load.
 * @throws RowFault key.shape, key.other_provider
 */
export function wrapOpened(
  parts: { readonly catalogue: Catalogue; readonly kekRing: KekRing; readonly scrubber: Scrubber },
  clearKey: Buffer,
  key: Pick<PlannedKey, 'binding' | 'entry' | 'label'>,
): WrappedKey {
  try {
    const shape = checkKeyShape(clearKey, key.entry, keyShapes(parts.catalogue));
    if (!shape.ok) throw new RowFault(shape.provider === null ? 'key.shape' : 'key.other_provider', shape.hint);
    const last4 = lastFour(shape.clearKey);
    const envelope = wrapKey({ kekRing: parts.kekRing, clearKey: shape.clearKey, binding: key.binding });
    const label = scrubLabel(parts.scrubber, key.label, shape.clearKey);
    return { envelope, last4, mask: maskOf(key.entry?.key ?? null, last4), label, hint: shape.hint };
  } finally {
    clearKey.fill(0);
  }
}

function scrubLabel(scrubber: Scrubber, label: string, clearKey: Uint8Array): string {
  if (label === '') return label;
  const unwatch = scrubber.watch(clearKey);
  try {
    return scrubber.scrubText(label);
  } finally {
    unwatch();
  }
}
