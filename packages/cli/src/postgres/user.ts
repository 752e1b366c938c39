import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The account that runs PostgreSQL when Ownkey itself runs as root (PostgreSQL refuses to run as root). */
export interface DatabaseUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** `nobody` when this process is root, null when PostgreSQL can run as the present user. */
export function databaseUser(): DatabaseUser | null {
  if (process.getuid?.() !== 0) return null;
  return readNobody() ?? { name: 'nobody', uid: 65534, gid: 65534 };
}

function readNobody(): DatabaseUser | null {
  let text: string;
  try {
    text = readFileSync('/etc/passwd', 'utf8');
  } catch {
    return null;
  }
  for (const line of text.split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name === 'nobody' && Number(uid) > 0) return { name, uid: Number(uid), gid: Number(gid) };
  }
  return null;
}

/** True when `user` can enter `directory`: asked of the kernel in a process of that user, so ACLs and mounts count too. */
export function canEnter(user: DatabaseUser, directory: string): boolean {
  const result = spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', directory], {
    uid: user.uid,
    gid: user.gid,
    cwd: '/',
    env: {},
    stdio: 'ignore',
  });
  return result.status === 0;
}

/** Spawn options that make a child run as `user`; none when it runs as the present user. */
export function runAs(user: DatabaseUser | null): { uid?: number; gid?: number } {
  return user === null ? {} : { uid: user.uid, gid: user.gid };
}
