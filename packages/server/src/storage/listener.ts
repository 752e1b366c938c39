import { Client } from 'pg';

const RECONNECT_MS = 1000;

/**
 * Listens to one channel on a connection of its own, and connects again whenever it breaks. Notifications may be missed (a lost
 * connection): whoever listens also looks by itself. `onNotice` gets the payload.
 */
export function listen(
  url: string,
  channel: 'ownkey_job_done' | 'ownkey_outbox',
  onNotice: (payload: string) => void,
): { close(): Promise<void> } {
  let client: Client | null = null;
  let timer: NodeJS.Timeout | null = null;
  let closed = false;

  const reconnect = (): void => {
    client = null;
    if (!closed && timer === null) timer = setTimeout(connect, RECONNECT_MS);
  };
  const connect = (): void => {
    timer = null;
    const next = new Client({ connectionString: url, application_name: `ownkey-server ${channel}`, keepAlive: true });
    client = next;
    next.on('notification', ({ payload }) => onNotice(payload ?? ''));
    next.on('error', () => {});
    next.on('end', reconnect);
    next
      .connect()
      .then(() => next.query(`LISTEN ${channel}`))
      .catch(() => {
        next.end().catch(() => {});
        reconnect();
      });
  };
  connect();

  return {
    close: async () => {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      await client?.end().catch(() => {});
    },
  };
}
