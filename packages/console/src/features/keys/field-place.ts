import type { FieldPlace } from '@ownkey/contract/field';

/** Where a key that is pasted now belongs; `destination` may still be a base URL in the making. null = that is not known yet. */
export function placeOf(known: {
  company: string | null;
  user: string | null;
  provider: string;
  destination: string;
}): FieldPlace | null {
  const { company, destination } = known;
  if (company === null) return null;
  if (destination.startsWith('catalogue:')) return { ...known, company };
  if (!URL.canParse(destination.trim())) return null;
  const { origin, protocol } = new URL(destination.trim());
  return protocol === 'https:' || protocol === 'http:' ? { ...known, company, destination: origin } : null;
}
