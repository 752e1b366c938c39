import { useBlocker } from '@tanstack/react-router';

/** Asks before something typed is lost: within the console by a dialog of ours, when the page itself is left by the browser's. */
export function useLeaveGuard(unsaved: () => boolean): { asking: boolean; stay: () => void; leave: () => void } {
  const blocker = useBlocker({ shouldBlockFn: unsaved, enableBeforeUnload: unsaved, withResolver: true });
  return {
    asking: blocker.status === 'blocked',
    stay: () => blocker.reset?.(),
    leave: () => blocker.proceed?.(),
  };
}
