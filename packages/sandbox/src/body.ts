import type { IncomingMessage } from 'node:http';

/** The longest body the sandbox takes: twice the gateway's default limit. */
export const BODY_MAX = 64 * 1024 * 1024;

/** The whole body, or null when it is longer than BODY_MAX (the rest is read and dropped). Rejects when the caller leaves. */
export async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length <= BODY_MAX) chunks.push(bytes);
  }
  return length > BODY_MAX ? null : Buffer.concat(chunks);
}
