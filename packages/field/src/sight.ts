import type { FieldSight } from '@ownkey/contract/field';

/** Members of IntersectionObserver v2, which the types do not know. */
interface VisibilityOptions extends IntersectionObserverInit {
  trackVisibility: boolean;
  /** Milliseconds; the least that browsers accept. */
  delay: number;
}

/** A hair less than all: positions of pixels are rounded. */
const SHOWN_MIN = 0.98;

/**
 * Tells, at first and after every change, whether all of `element` is in sight of the reader, in the frame and in all pages around
 * it. Where the browser can tell (Chromium), something over it, opacity, filters, transforms and shrinking count as `covered`;
 * elsewhere only what is cut off is noticed.
 */
export function watchSight(element: Element, tell: (sight: FieldSight) => void): void {
  const tellsCover = 'isVisible' in IntersectionObserverEntry.prototype;
  const options: VisibilityOptions = { threshold: [0, 0.5, SHOWN_MIN, 1], trackVisibility: true, delay: 100 };
  let last: FieldSight | null = null;
  const observer = new IntersectionObserver(
    (entries) => {
      const entry = entries.at(-1);
      if (entry === undefined) return;
      const sight = sightOf(entry, tellsCover);
      if (sight !== last) tell(sight);
      last = sight;
    },
    tellsCover ? options : { threshold: options.threshold ?? 0 },
  );
  observer.observe(element);
}

function sightOf(entry: IntersectionObserverEntry, tellsCover: boolean): FieldSight {
  if (entry.intersectionRatio < SHOWN_MIN) return 'clipped';
  return tellsCover && Reflect.get(entry, 'isVisible') !== true ? 'covered' : 'seen';
}
