import { scrubForms } from '@ownkey/guard/scrub-facts';
import { readDatabaseUrl } from '../config.ts';

/** The frame of a short-lived process: JSON in on standard input, one line of JSON out, messages on standard error. */
export async function runSeedProcess(work: (input: unknown, controlUrl: string) => Promise<unknown>): Promise<void> {
  try {
    const result = await work(await readInput(), readDatabaseUrl());
    process.stdout.write(`${JSON.stringify(result)}\n`);
  } catch (error) {
    process.stderr.write(`${scrubForms(error instanceof Error ? error.message : 'failed')}\n`);
    process.exitCode = 1;
  }
}

async function readInput(): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  const text = Buffer.concat(chunks).toString('utf8');
  for (const chunk of chunks) chunk.fill(0);
  return text.trim() === '' ? {} : JSON.parse(text);
}

/** Member `name` of `value`, where it is an object. */
export function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
