import { useCanGoBack, useNavigate, useRouter } from '@tanstack/react-router';
import { useCallback } from 'react';

/** Goes to an address built by `paths`. */
export function useGo(): (to: string, options?: { replace?: boolean }) => void {
  const navigate = useNavigate();
  return useCallback(
    (to, options) => {
      const [path = to, query = ''] = to.split('?');
      void navigate({
        to: path,
        search: Object.fromEntries(new URLSearchParams(query)),
        replace: options?.replace ?? false,
        resetScroll: false,
      });
    },
    [navigate],
  );
}

/** Closes a layer that has an address: back to where it was opened from, or to the room behind it after a direct visit. */
export function useCloseTo(room: string): () => void {
  const go = useGo();
  const router = useRouter();
  const openedHere = useCanGoBack();
  return useCallback(() => {
    if (openedHere) router.history.back();
    else go(room, { replace: true });
  }, [go, router, openedHere, room]);
}
