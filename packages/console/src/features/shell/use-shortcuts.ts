import { useEffect, useRef } from 'react';

/** Single keys of the console: `g` then a letter goes to a room, `/` searches, `c` connects. */
export type Shortcuts = Readonly<Record<string, () => void>>;

/** Time for the second key after `g`. */
const SECOND_KEY_MS = 1_000;

/** Whether a key press belongs to what has the focus, or a layer is open. */
function isTyping(event: KeyboardEvent): boolean {
  const target = event.target instanceof HTMLElement ? event.target : null;
  if (event.metaKey || event.ctrlKey || event.altKey || event.isComposing) return true;
  if (target?.closest('input, textarea, select, [contenteditable], [role="menu"]')) return true;
  return document.querySelector('[data-oky-modal]') !== null;
}

/** Listens while mounted. Names are `g k` for two keys, else the key itself. */
export function useShortcuts(shortcuts: Shortcuts): void {
  const current = useRef(shortcuts);
  current.current = shortcuts;
  useEffect(() => {
    let armedUntil = 0;
    const onKey = (event: KeyboardEvent) => {
      if (isTyping(event)) return;
      const name = performance.now() < armedUntil ? `g ${event.key}` : event.key;
      armedUntil = event.key === 'g' && name === 'g' ? performance.now() + SECOND_KEY_MS : 0;
      const run = current.current[name];
      if (run === undefined) return;
      event.preventDefault();
      run();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
}

/** Puts the focus into the search box of the room. */
export function focusSearch(): void {
  document.querySelector<HTMLInputElement>('main [data-oky-search]')?.focus();
}
