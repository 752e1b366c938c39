import type { Usage } from '@ownkey/contract/usage';
import type { HostileKind } from './scenario.ts';

/** One answer before it is delivered: head, parts in order (each one write), and what is noted about it. */
export interface Reply {
  status: number;
  headers: Record<string, string>;
  /** Server-sent events; otherwise one body of known length. */
  stream: boolean;
  parts: Iterable<string | Buffer>;
  usage: Usage | null;
  /** Misbehaviour that only the transport can do. */
  hostile: HostileKind | null;
}

export function bodyReply(status: number, headers: Record<string, string>, body: string): Reply {
  return { status, headers, stream: false, parts: [body], usage: null, hostile: null };
}
