/**
 * The child's side of the supervisor's control channel (Node's IPC). A supervised process ignores SIGINT, SIGTERM and SIGHUP,
 * which a terminal sends to the whole group: it stops when the supervisor says so, in its turn, or when the channel breaks
 * (the supervisor was killed). Started alone, it obeys the signals itself. Every process of ours uses this file and no other way.
 *
 * Messages: child → supervisor `{type: 'ready', port, …}`, `{type: 'take-listener'}`;
 * supervisor → child `{type: 'stop'}`, `{type: 'listener'}` (with or without a handle).
 */

/** What a process tells about itself once it serves: its port and, where useful, more plain data. */
export interface ReadyInfo {
  readonly port: number;
  readonly [fact: string]: unknown;
}

/** Time a process has for stopping when nobody is left to end it. */
const ALONE_STOP_LIMIT_MS = 8000;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** True when a supervisor started this process and is connected. */
export function isSupervised(): boolean {
  return process.send !== undefined && process.connected;
}

/** Tells the supervisor that this process serves. Does nothing without one. */
export function reportReady(info: ReadyInfo): void {
  if (isSupervised()) process.send?.({ type: 'ready', ...info });
}

/**
 * Runs `stop` once, at the first of: the supervisor's order, the end of the channel, a signal (unsupervised only); then ends
 * the process, with code 0, or 1 when `stop` failed or took longer than 8 s. Repeated signals and orders count as one.
 * Call it once, first thing in `main`.
 */
export function onStop(stop: () => Promise<void> | void): void {
  let stopping = false;
  const end = (): void => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), ALONE_STOP_LIMIT_MS).unref();
    Promise.resolve()
      .then(stop)
      .then(
        () => process.exit(0),
        () => process.exit(1),
      );
  };
  const supervised = process.send !== undefined;
  for (const signal of SIGNALS) process.on(signal, supervised ? () => {} : end);
  if (!supervised) return;
  process.on('disconnect', end);
  process.on('message', (message: unknown) => {
    if (isMessage(message, 'stop')) end();
  });
  if (!process.connected) end();
}

/**
 * The listening socket that the supervisor holds for all processes of this kind, to be given to `server.listen(handle)`; null
 * when there is none and the process listens on its own port. Several workers share one port this way, and connections wait
 * in the socket's queue while a worker restarts.
 */
export function takeListener(): Promise<object | null> {
  if (!isSupervised()) return Promise.resolve(null);
  return new Promise((resolve) => {
    const receive = (message: unknown, handle: unknown): void => {
      if (!isMessage(message, 'listener')) return;
      process.off('message', receive);
      resolve(typeof handle === 'object' && handle !== null ? handle : null);
    };
    process.on('message', receive);
    process.send?.({ type: 'take-listener' });
  });
}

function isMessage(message: unknown, type: string): boolean {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === type;
}
