/** Whether a message comes from the page around this frame, and that page is listed. Pure; both must hold, whatever the headers did. */
export function isFromParent(
  event: { readonly origin: string; readonly source: unknown },
  parent: unknown,
  listed: readonly string[],
): boolean {
  return event.source === parent && event.origin !== 'null' && listed.includes(event.origin);
}

/** The listed origins, as the worker wrote them into the page. */
export function readParents(content: string | null): string[] {
  return (content ?? '').split(' ').filter((origin) => /^https?:\/\//.test(origin));
}
