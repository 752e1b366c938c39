/** Any value as a plain tree that is safe to serialise. Pure but for getters of the value itself, whose errors are caught. */
import { REDACTED, SECRET_NAME, SECRET_TEXT_NAME } from './secret-positions.ts';

const DEPTH_MAX = 8;
const MEMBERS_MAX = 200;
const NODES_MAX = 2_000;

interface Walk {
  readonly scrubText: (text: string) => string;
  readonly path: Set<object>;
  nodes: number;
}

export function scrubTree(value: unknown, scrubText: (text: string) => string): unknown {
  return visit(value, { scrubText, path: new Set(), nodes: 0 });
}

function visit(value: unknown, walk: Walk): unknown {
  if (++walk.nodes > NODES_MAX) return '[more]';
  switch (typeof value) {
    case 'string':
      return walk.scrubText(value);
    case 'bigint':
      return String(value);
    case 'number':
    case 'boolean':
      return value;
    case 'object':
      return value === null ? null : visitObject(value, walk);
    default:
      return undefined;
  }
}

function visitObject(value: object, walk: Walk): unknown {
  if (walk.path.has(value)) return '[circular]';
  if (walk.path.size >= DEPTH_MAX) return '[deep]';
  walk.path.add(value);
  try {
    return describe(value, walk);
  } catch {
    return '[unreadable]';
  } finally {
    walk.path.delete(value);
  }
}

function describe(value: object, walk: Walk): unknown {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) {
    return `[bytes ${value.byteLength}]`;
  }
  if (value instanceof Error) return describeError(value, walk);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof URL || value instanceof URLSearchParams || value instanceof RegExp)
    return walk.scrubText(String(value));
  if (Array.isArray(value)) return describeList(value, walk);
  if (value instanceof Set) return describeList([...value], walk);
  if (value instanceof Map || value instanceof Headers || value instanceof FormData) {
    const pairs: [string, unknown][] = [];
    for (const [name, member] of value.entries()) pairs.push([typeof name === 'string' ? name : '[key]', member]);
    return describePairs(pairs, walk);
  }
  // Sockets, streams, requests: large, and their innards hold what was sent.
  if ('on' in value && typeof value.on === 'function')
    return `[${walk.scrubText(value.constructor?.name ?? 'object')}]`;
  return describePairs(Object.entries(value), walk);
}

function describeError(error: Error, walk: Walk): unknown {
  const told: [string, unknown][] = [
    ['type', walk.scrubText(String(error.name))],
    ['message', walk.scrubText(String(error.message))],
    ['stack', walk.scrubText(String(error.stack ?? ''))],
  ];
  if ('code' in error && (typeof error.code === 'string' || typeof error.code === 'number')) {
    told.push(['code', visit(error.code, walk)]);
  }
  if (error.cause !== undefined) told.push(['cause', visit(error.cause, walk)]);
  if ('errors' in error && Array.isArray(error.errors)) told.push(['errors', visit(error.errors, walk)]);
  return Object.fromEntries(told);
}

/** Raw header lists alternate names and values, so the member behind a secret name is one. */
function describeList(list: readonly unknown[], walk: Walk): unknown[] {
  const clean = list.slice(0, MEMBERS_MAX).map((member, i) => {
    const before = list[i - 1];
    return isSecret(before, member) ? REDACTED : visit(member, walk);
  });
  if (list.length > MEMBERS_MAX) clean.push(`[${list.length - MEMBERS_MAX} more]`);
  return clean;
}

function describePairs(pairs: readonly (readonly [string, unknown])[], walk: Walk): unknown {
  const clean: [string, unknown][] = pairs.slice(0, MEMBERS_MAX).map(([name, member]) => {
    return [walk.scrubText(name), isSecret(name, member) ? REDACTED : visit(member, walk)];
  });
  if (pairs.length > MEMBERS_MAX) clean.push(['…', `[${pairs.length - MEMBERS_MAX} more]`]);
  return Object.fromEntries(clean);
}

/** Numbers, booleans and nothing are no secrets: "token: 12" is a count. */
function isSecret(name: unknown, member: unknown): boolean {
  if (typeof name !== 'string') return false;
  if (typeof member === 'string') return SECRET_NAME.test(name) || SECRET_TEXT_NAME.test(name);
  return typeof member === 'object' && member !== null && SECRET_NAME.test(name);
}
