import { useState } from 'react';

/**
 * Gives the focus back when a layer closes: to what had it when the layer opened or, where that is gone, to the title of the
 * page. For radix's `onCloseAutoFocus`, which knows triggers alone; our layers are opened by addresses.
 */
export function useOpener(): (event: Event) => void {
  const [opener] = useState(() => document.activeElement);
  return (event) => {
    event.preventDefault();
    const known = opener instanceof HTMLElement && opener.isConnected && opener !== document.body;
    (known ? opener : document.querySelector<HTMLElement>('main h1'))?.focus();
  };
}
