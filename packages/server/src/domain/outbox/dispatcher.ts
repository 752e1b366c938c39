import { setMaxListeners } from 'node:events';
import type { Log } from '../../platform/logger.ts';
import { listen } from '../../storage/listener.ts';
import type { Channel } from './entry.ts';
import type { Outbox } from './outbox.ts';

/** Notifications may be missed, and entries become due by themselves. */
const POLL_MS = 5000;
const STOP_MS = 3000;
/** At once, per server. */
const SLOTS: Readonly<Record<Channel, number>> = { mail: 4, webhook: 16 };

export interface Dispatcher {
  /** Takes nothing more; webhooks under way end, mails get a moment. What is cut off is tried again by whoever comes next. */
  stop(): Promise<void>;
}

/** Keeps the outbox moving: at every notification and every 5 s. A slow receiver holds its own slot and nothing else. */
export function startDispatcher(outbox: Outbox, databaseUrl: string, log: Log): Dispatcher {
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal); // every delivery under way listens
  const running = new Set<Promise<void>>();
  const slots: Record<Channel, number> = { ...SLOTS };
  const steps = new Map<string, { again: boolean }>();

  /** One run at a time of each step; asked for meanwhile, it runs once more. */
  const run = (name: string, step: () => Promise<void>): void => {
    const current = steps.get(name);
    if (current !== undefined) {
      current.again = true;
      return;
    }
    if (stopping.signal.aborted) return;
    const state = { again: false };
    steps.set(name, state);
    track(
      step()
        .catch((error: unknown) => {
          state.again = false;
          if (!stopping.signal.aborted)
            log.warn({ err: error, step: name }, 'the outbox stands still; it is tried again');
        })
        .finally(() => {
          steps.delete(name);
          if (state.again) run(name, step);
        }),
    );
  };
  const track = (work: Promise<void>): void => {
    const tracked = work.finally(() => running.delete(tracked));
    running.add(tracked);
  };
  const send = (channel: Channel) => async (): Promise<void> => {
    while (!stopping.signal.aborted && slots[channel] > 0) {
      const due = await outbox.claim(channel, slots[channel]);
      if (due.length === 0) return;
      slots[channel] -= due.length;
      for (const entry of due) {
        track(
          outbox.deliver(channel, entry, stopping.signal).finally(() => {
            slots[channel] += 1;
            run(channel, send(channel));
          }),
        );
      }
    }
  };
  const wake = (): void => {
    run('tell', () => outbox.tell());
    run('mail', send('mail'));
    run('webhook', send('webhook'));
  };
  const listener = listen(databaseUrl, 'ownkey_outbox', wake);
  const timer = setInterval(wake, POLL_MS);
  timer.unref();
  wake();
  return {
    stop: async () => {
      stopping.abort();
      clearInterval(timer);
      await listener.close();
      let limit: NodeJS.Timeout | undefined;
      const patience = new Promise<void>((resolve) => {
        limit = setTimeout(resolve, STOP_MS);
      });
      await Promise.race([Promise.allSettled(running), patience]);
      clearTimeout(limit);
    },
  };
}
