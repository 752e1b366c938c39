/** What a key would be sealed for, in words made from what the worker answers and from the place itself. Pure. */
import type { FieldPlace, FieldProvider } from '@ownkey/contract/field';
import { fill, texts } from './texts.ts';

/** Owner of keys that all companies share, in a sealed context. */
const PLATFORM = 'platform';

export interface PlaceText {
  readonly sentence: string;
  /** False: nothing may be pasted. */
  readonly known: boolean;
}

/** `company`: its name by the worker; null = the worker does not know it. */
export function placeText(
  place: FieldPlace | null,
  company: string | null,
  providers: readonly FieldProvider[],
): PlaceText {
  if (place === null) return { sentence: texts.place.none, known: false };
  const host = hostOf(place, providers);
  if (host === null || (company === null && !isPlatform(place))) return { sentence: texts.place.unknown, known: false };
  const text = isPlatform(place)
    ? texts.place.platform
    : place.user === null
      ? texts.place.company
      : texts.place.personal;
  return { sentence: fill(text, { company: company ?? '', host }), known: true };
}

export function isPlatform(place: FieldPlace): boolean {
  return place.company === PLATFORM;
}

/**
 * Host the key can be sent to: of a catalogue provider by the worker, of any other address the address itself. null where provider
 * and destination do not belong together.
 */
function hostOf({ provider, destination }: FieldPlace, providers: readonly FieldProvider[]): string | null {
  const known = providers.find(({ id }) => id === provider);
  if (destination.startsWith('catalogue:'))
    return destination === `catalogue:${provider}` ? (known?.host ?? null) : null;
  return known === undefined && URL.canParse(destination) ? new URL(destination).host : null;
}

/** Whether a key pasted for one place may be sealed for the other: the same company, provider and destination. */
export function isSamePlace(one: FieldPlace | null, other: FieldPlace | null): boolean {
  if (one === null || other === null) return one === other;
  return one.company === other.company && one.provider === other.provider && one.destination === other.destination;
}
