/** The notice this person closed last, on this device. Another notice, or the same about newer facts, is shown again. */
const STORED = 'oky-notice-closed';

export function dismissed(): string | null {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

export function dismiss(key: string): void {
  try {
    localStorage.setItem(STORED, key);
  } catch {
    // Storage may be forbidden; the notice then stays closed as long as the page.
  }
}
