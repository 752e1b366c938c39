import { lookup } from 'node:dns/promises';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A bound socket that several child processes listen on. */
export interface SharedListener {
  readonly port: number;
  /** Given to `child.send(message, handle)`. */
  readonly handle: net.Server;
  close(): void;
}

/**
 * Binds `host:port` (0 = any free one) without listening. Each worker gets the socket by IPC and listens on it: the kernel
 * spreads connections, and while a worker restarts they wait in the socket's queue. This is what node:cluster does inside;
 * cluster itself cannot be used because it decides flags and environment for all processes alike, and `reusePort` is not in
 * Node 20. `net._createServerHandle` is the function cluster uses; it is the same in Node 20, 22 and 24 (decision 0002).
 * @throws Error that says which setting to change when the port is taken.
 */
export async function bindSharedListener(
  host: string,
  port: number,
  setting: string,
  patienceMs = 0,
): Promise<SharedListener> {
  await assertPortFree(host, port, setting, patienceMs);
  const { address, family } = await lookup(host);
  const create: unknown = Reflect.get(net, '_createServerHandle');
  if (typeof create !== 'function')
    throw new Error('This version of Node has no way to share a socket between processes');
  const handle: unknown = create(address, port, family, -1, 0);
  if (!isHandle(handle)) throw new Error(`${host}:${port} could not be bound (error ${String(handle)})`);
  const bound: { port?: number } = {};
  handle.getsockname(bound);
  return { port: bound.port ?? port, handle, close: () => handle.close() };
}

/**
 * Binding reports a taken port only when somebody listens, which happens in a worker: so it is tried here first. A port may
 * still be held by processes of a killed run: `patienceMs` is how long to wait for their end.
 * @throws Error that says which setting to change.
 */
export async function assertPortFree(host: string, port: number, setting: string, patienceMs = 0): Promise<void> {
  if (port === 0) return;
  const end = performance.now() + patienceMs;
  for (;;) {
    try {
      return await tryPort(host, port, setting);
    } catch (error) {
      if (performance.now() >= end) throw error;
      await sleep(100);
    }
  }
}

function tryPort(host: string, port: number, setting: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be used (${error.code ?? error.message})`;
      reject(new Error(`Port ${port} on ${host} ${why}. Choose another with ${setting}; 0 takes any free one.`));
    });
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()));
  });
}

type Handle = net.Server & { getsockname(out: { port?: number }): number };

function isHandle(value: unknown): value is Handle {
  return (
    typeof value === 'object' && value !== null && 'getsockname' in value && typeof value.getsockname === 'function'
  );
}
