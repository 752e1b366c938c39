/** The export as it comes on a descriptor: never by a path, which this process could not open. */
import { createHash } from 'node:crypto';
import { fstatSync, read } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const CHUNK_BYTES = 65_536;
const AGAIN_MS = 10;

/** Whether `fd` is a file, which can be read twice. */
export function isFile(fd: number): boolean {
  return fstatSync(fd).isFile();
}

/** All bytes of `fd`: a file from its start, anything else as it comes. Every chunk has memory of its own. */
export async function* readChunks(fd: number): AsyncGenerator<Buffer> {
  const seekable = isFile(fd);
  for (let at = 0; ; ) {
    const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    const length = await readOnce(fd, chunk, seekable ? at : null);
    if (length === 0) return;
    at += length;
    yield chunk.subarray(0, length);
  }
}

/** SHA-256 of a file, hexadecimal. */
export async function hashOf(fd: number): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of readChunks(fd)) hash.update(chunk);
  return hash.digest('hex');
}

async function readOnce(fd: number, into: Buffer, position: number | null): Promise<number> {
  for (;;) {
    const length = await new Promise<number | null>((resolve, reject) => {
      read(fd, into, 0, into.length, position, (error, bytes) => {
        if (error?.code === 'EAGAIN') resolve(null);
        else if (error?.code === 'EOF') resolve(0);
        else if (error) reject(error);
        else resolve(bytes);
      });
    });
    if (length !== null) return length;
    await sleep(AGAIN_MS);
  }
}
