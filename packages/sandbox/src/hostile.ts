/** Misbehaviour on purpose: what happens to an otherwise good answer. Faults inside the shapes are in the wire files. */
import { gzipSync } from 'node:zlib';
import type { ControlSettings } from './control.ts';
import { bodyReply, type Reply } from './reply.ts';
import type { HostileKind } from './scenario.ts';
import { eventFrame } from './sse.ts';

/** Pieces of the misbehaviour that depend on wire and provider. */
export interface HostileParts {
  /** Frame with some more text, as the wire has it. */
  textFrame: (text: string) => string;
  /** Body with this text, as the wire has it. */
  textBody: (text: string) => string;
  /** Frames that break a stream off. */
  errorFrames: () => string[];
  clearKey: string;
}

const HTML =
  '<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\n<body><center><h1>502 Bad Gateway</h1></center><hr><center>sandbox edge</center></body></html>\n';
const HEADER_BOMB_LINES = 200;
const FILL = 'All work and no play makes a dull stream. ';

/** Applies a scenario's misbehaviour to a good reply. */
export function spoil(
  reply: Reply,
  kind: HostileKind | null,
  settings: Readonly<ControlSettings>,
  parts: HostileParts,
): Reply {
  if (kind === null) return reply;
  const frames = [...reply.parts].map(String);
  const middle = Math.ceil(frames.length / 2);
  const late = Math.ceil(frames.length * 0.8);
  const json = { 'content-type': 'application/json' };
  switch (kind) {
    case 'missing_end':
      return { ...reply, parts: reply.stream ? frames.slice(0, -1) : frames };
    case 'unknown_events': {
      const odd = [
        eventFrame('sandbox.unknown', { type: 'sandbox.unknown', data: { nested: [1, 2, 3] } }),
        ': comment\n\n',
        'id: 7\nretry: 10000\n\n',
      ];
      return reply.stream ? { ...reply, parts: [...frames.slice(0, middle), ...odd, ...frames.slice(middle)] } : reply;
    }
    case 'two_starts':
      return { ...reply, parts: reply.stream ? [...frames.slice(0, 1), ...frames] : frames };
    case 'error_in_stream':
      return reply.stream ? { ...reply, parts: [...frames.slice(0, late), ...parts.errorFrames()] } : reply;
    case 'huge_line': {
      const long = filler(settings.huge_line_bytes);
      return reply.stream
        ? { ...reply, parts: [...frames.slice(0, middle), parts.textFrame(long), ...frames.slice(middle)] }
        : { ...reply, parts: [parts.textBody(long)] };
    }
    case 'endless_stream':
      return reply.stream ? { ...reply, hostile: kind, parts: endless(frames, parts, settings.huge_bytes) } : reply;
    case 'huge_body':
      return reply.stream
        ? { ...reply, hostile: 'endless_stream', parts: endless(frames, parts, settings.huge_bytes) }
        : { ...reply, parts: [parts.textBody(filler(settings.huge_bytes))] };
    case 'gzip':
      return {
        ...reply,
        headers: { ...reply.headers, 'content-encoding': 'gzip' },
        parts: [gzipSync(Buffer.from(frames.join('')))],
      };
    case 'header_bomb':
      return { ...reply, headers: { ...reply.headers, ...headerBomb() } };
    case 'half_json':
      return { ...reply, stream: false, headers: { ...reply.headers, ...json }, parts: [frames.join('').slice(0, 40)] };
    case 'empty_body':
      return { ...reply, stream: false, parts: [''] };
    case 'html':
      return bodyReply(502, { 'content-type': 'text/html' }, HTML);
    case 'echo_key':
      return bodyReply(400, json, echo(parts.clearKey));
    case 'cut':
    case 'extra_response':
      return { ...reply, hostile: kind };
    default:
      return reply;
  }
}

function filler(bytes: number): string {
  return FILL.repeat(Math.ceil(bytes / FILL.length)).slice(0, bytes);
}

function* endless(frames: string[], parts: HostileParts, bytes: number): Iterable<string> {
  yield* frames.slice(0, 1);
  const frame = parts.textFrame(filler(1000));
  for (let sent = 0; sent < bytes; sent += frame.length) yield frame;
}

function headerBomb(): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let line = 0; line < HEADER_BOMB_LINES; line++) headers[`x-bomb-${line}`] = 'b'.repeat(1000);
  return headers;
}

/** Some servers repeat the key they were given, in whatever form: nothing of it may reach a caller or a log. */
function echo(clearKey: string): string {
  const bytes = Buffer.from(clearKey);
  return JSON.stringify({
    error: {
      message: `Bad request with key ${clearKey} (base64 ${bytes.toString('base64')}, hex ${bytes.toString('hex')}, URL ${encodeURIComponent(clearKey)})`,
      type: 'invalid_request_error',
      param: clearKey,
      code: 'echo',
      authorization: `Bearer ${clearKey}`,
    },
  });
}
