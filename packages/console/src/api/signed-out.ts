/** Whether the session ended under an open page. A tiny store, since the API client is outside of React. */
let ended = false;
const listeners = new Set<() => void>();

export const signedOut = {
  get: () => ended,
  set(value: boolean) {
    ended = value;
    for (const listener of listeners) listener();
  },
  subscribe(listener: () => void) {
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  },
};
