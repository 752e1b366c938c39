import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Where a process connected, seen from outside of it. */
export interface SocketWatch {
  /** Addresses (`127.0.0.1:5432`) of everything it was seen connecting to, or connected to. */
  readonly seen: ReadonlySet<string>;
  /** How often it was looked at. */
  readonly looks: number;
  stop(): void;
}

const LISTENING = '0A';

/**
 * Looks at the sockets of processes as the kernel lists them (Linux), many times a second, until it is stopped. Connections that were
 * accepted are told from those that were made by the ports the process listens on. One that lives for less than a look may be missed.
 */
export function watchSockets(pids: readonly number[], everyMs = 5): SocketWatch {
  const seen = new Set<string>();
  let looks = 0;
  const look = (): void => {
    looks++;
    for (const pid of pids) for (const address of connectionsOf(pid)) seen.add(address);
  };
  const timer = setInterval(look, everyMs);
  look();
  return {
    seen,
    get looks() {
      return looks;
    },
    stop: () => clearInterval(timer),
  };
}

function connectionsOf(pid: number): string[] {
  const own = inodesOf(pid);
  const made: string[] = [];
  const listening = new Set<string>();
  const rows = ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((name) => rowsOf(pid, name));
  for (const { local, state } of rows) if (state === LISTENING) listening.add(local.slice(local.lastIndexOf(':')));
  for (const { local, remote, state, inode } of rows) {
    const accepted = listening.has(local.slice(local.lastIndexOf(':')));
    if (own.has(inode) && state !== LISTENING && !accepted && !remote.endsWith(':0')) made.push(remote);
  }
  return made;
}

interface Row {
  local: string;
  remote: string;
  state: string;
  inode: string;
}

/** https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html */
function rowsOf(pid: number, name: string): Row[] {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/net/${name}`, 'latin1');
  } catch {
    return []; // the process is gone
  }
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', remote = '', state = '', , , , , , inode = ''] = line.trim().split(/\s+/);
      return local === '' ? [] : [{ local: addressOf(local), remote: addressOf(remote), state, inode }];
    });
}

/** `0100007F:1538` is 127.0.0.1:5432: each four bytes in the order of the machine. */
function addressOf(written: string): string {
  const [host = '', port = ''] = written.split(':');
  const words = host.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => (word.match(/../g) ?? []).toReversed()).map((hex) => Number.parseInt(hex, 16));
  const isMapped = bytes.length === 16 && bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255;
  const four = bytes.length === 4 ? bytes : isMapped ? bytes.slice(12) : null;
  return `${four?.join('.') ?? `[${host}]`}:${Number.parseInt(port, 16)}`;
}

function inodesOf(pid: number): Set<string> {
  const inodes = new Set<string>();
  try {
    for (const name of readdirSync(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${name}`))?.[1];
      if (inode !== undefined) inodes.add(inode);
    }
  } catch {
    // The process is gone.
  }
  return inodes;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
