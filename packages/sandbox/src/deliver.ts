/** Sends a reply over the socket as the settings, the key's outcome and the scenario demand. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { SandboxCall } from './calls.ts';
import type { Control } from './control.ts';
import type { Outcome } from './keys.ts';
import type { Reply } from './reply.ts';

/** Notes in `call` when the caller leaves before the answer is complete; the signal tells the rest. */
export function watchCaller(response: ServerResponse, call: SandboxCall): AbortSignal {
  const left = new AbortController();
  response.on('close', () => {
    call.aborted = !response.writableFinished && !call.finished;
    left.abort();
  });
  return left.signal;
}

/** Resolves when all is sent, the caller left, or the connection was cut on purpose; never rejects. */
export async function deliver(
  response: ServerResponse,
  reply: Reply,
  outcome: Outcome | null,
  control: Control,
  call: SandboxCall,
  left: AbortSignal,
): Promise<void> {
  try {
    await sendAll(response, reply, outcome, control, call, left);
  } catch (error) {
    if (!left.aborted) response.destroy(error instanceof Error ? error : undefined);
  }
}

async function sendAll(
  response: ServerResponse,
  reply: Reply,
  outcome: Outcome | null,
  control: Control,
  call: SandboxCall,
  left: AbortSignal,
): Promise<void> {
  if (outcome === 'slow') {
    await control.waitWhile((settings) => settings.hold_first_byte, left);
    if (control.settings.slow_ms > 0) await setTimeout(control.settings.slow_ms, undefined, { signal: left });
  }
  if (left.aborted) return;
  const whole = reply.stream ? null : Buffer.concat([...reply.parts].map((part) => Buffer.from(part)));
  const headers = { ...reply.headers, ...(whole ? { 'content-length': String(whole.length) } : {}) };
  call.status = reply.status;
  call.stream = reply.stream;
  response.writeHead(reply.status, headers);
  const cuts = outcome === 'cut' || reply.hostile === 'cut';
  const parts = whole ? [cuts ? whole.subarray(0, Math.floor(whole.length / 2)) : whole] : reply.parts;
  let chunks = 0;
  for (const part of recut(parts, control)) {
    if (left.aborted) return;
    if (reply.stream && cuts && chunks >= control.settings.cut_after_chunks) break;
    await control.waitWhile(
      (settings) => reply.stream && settings.hold_after_chunks !== null && chunks >= settings.hold_after_chunks,
      left,
    );
    if (left.aborted) return;
    call.bytes_out += part.length;
    chunks += 1;
    if (!response.write(part)) await once(response, 'drain', { signal: left });
    const pause = control.settings.chunk_delay_ms;
    // A turn of the event loop between writes keeps them apart on the wire.
    await (pause > 0 ? setTimeout(pause, undefined, { signal: left }) : setImmediate());
  }
  call.finished = true;
  if (cuts || reply.hostile === 'endless_stream') {
    response.destroy();
    return;
  }
  const socket = response.socket;
  response.end();
  if (reply.hostile === 'extra_response' && socket) {
    await once(response, 'finish');
    socket.write(
      'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 21\r\n\r\n{"nobody":"asked me"}',
    );
  }
}

function* recut(parts: Iterable<string | Buffer>, control: Control): Iterable<Buffer> {
  const { chunk_bytes: size, split_at: splitAt } = control.settings;
  if (splitAt !== null) {
    const all = Buffer.concat([...parts].map((part) => Buffer.from(part)));
    const at = Math.min(splitAt, all.length);
    if (at > 0) yield all.subarray(0, at);
    if (at < all.length) yield all.subarray(at);
    return;
  }
  let kept: Buffer = Buffer.alloc(0);
  for (const part of parts) {
    const bytes = Buffer.from(part);
    if (size === 0) {
      if (bytes.length > 0) yield bytes;
      continue;
    }
    kept = kept.length > 0 ? Buffer.concat([kept, bytes]) : bytes;
    let start = 0;
    for (; kept.length - start >= size; start += size) yield kept.subarray(start, start + size);
    kept = kept.subarray(start);
  }
  if (kept.length > 0) yield kept;
}
