import { useEffect } from 'react';

const PRODUCT = 'Ownkey';

/** Title of the page: the thing, the room, the company, the product. Empty parts are left out. */
export function titleOf(parts: readonly (string | null | undefined)[], failed = false): string {
  const text = [...parts.filter((part) => part !== null && part !== undefined && part !== ''), PRODUCT].join(' · ');
  return failed ? `Error: ${text}` : text;
}

export function usePageTitle(parts: readonly (string | null | undefined)[], failed = false): void {
  const title = titleOf(parts, failed);
  useEffect(() => {
    document.title = title;
  }, [title]);
}
