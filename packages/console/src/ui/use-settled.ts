import { useEffect, useState } from 'react';

/** The value once it has not changed for a while: for questions that follow typing. */
export function useSettled<T>(value: T, restMs = 300): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    if (settled === value) return;
    const timer = setTimeout(() => setSettled(value), restMs);
    return () => clearTimeout(timer);
  }, [value, settled, restMs]);
  return settled;
}
