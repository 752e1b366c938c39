import { useState } from 'react';

/** What was focused on the page itself when its first layer opened: one layer may replace another. */
let onPage: Element | null = null;

/**
 * Gives the focus back when a layer closes: to what had it when the layer opened, else to what opened the layer before it, else
 * to the title of the page. For radix's `onCloseAutoFocus`, which knows triggers alone; our layers are opened by addresses.
 */
export function useOpener(): (event: Event) => void {
  const [opener] = useState(() => {
    const active = document.activeElement;
    if (document.querySelector('[data-oky-modal]') === null) onPage = active;
    return active;
  });
  return (event) => {
    event.preventDefault();
    const found = [opener, onPage, document.querySelector('main h1')].find(
      (candidate) => candidate instanceof HTMLElement && candidate.isConnected && candidate !== document.body,
    );
    if (found instanceof HTMLElement) found.focus();
  };
}
