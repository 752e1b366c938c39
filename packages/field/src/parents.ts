/**
 * Whether a message comes from the page around this frame, and that page is listed. Pure; both must hold, whatever the headers did.
 * A page of the frame's own origin could read everything in it, so it is never listed.
 */
export function isFromParent(
  event: { readonly origin: string; readonly source: unknown },
  parent: unknown,
  listed: readonly string[],
  own: string,
): boolean {
  if (event.origin === 'null' || event.origin === own) return false;
  return event.source === parent && listed.includes(event.origin);
}

/** The listed origins, as the worker wrote them into the page. */
export function readParents(content: string | null): string[] {
  return (content ?? '').split(' ').filter((origin) => /^https?:\/\//.test(origin));
}
