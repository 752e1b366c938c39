import { useEffect } from 'react';

let product = 'Ownkey';

/** The name that ends every title: the host's, where it has one. Before the first page. */
export function nameTitles(name: string): void {
  product = name;
}

/** Title of the page: the thing, the room, the company, the product. Empty parts are left out. */
export function titleOf(parts: readonly (string | null | undefined)[], failed = false): string {
  const text = [...parts.filter((part) => part !== null && part !== undefined && part !== ''), product].join(' · ');
  return failed ? `Error: ${text}` : text;
}

export function usePageTitle(parts: readonly (string | null | undefined)[], failed = false): void {
  const title = titleOf(parts, failed);
  useEffect(() => {
    document.title = title;
  }, [title]);
}
