import { createScrubber } from './scrub.ts';

/** Finds secrets by form and by place alone: where no key is known, and before a composition root has made a scrubber. */
export const scrubForms: (text: string) => string = createScrubber().scrubText;

/** The facts of an error as they may be answered, stored and logged: some callers put a key where a name belongs. */
export function scrubFacts<Facts extends Readonly<Record<string, string | number | null | undefined>>>(
  facts: Facts,
): Facts {
  const clean: Record<string, unknown> = {};
  for (const [name, fact] of Object.entries(facts)) clean[name] = typeof fact === 'string' ? scrubForms(fact) : fact;
  // The same names, and text where text was.
  return clean as Facts;
}
