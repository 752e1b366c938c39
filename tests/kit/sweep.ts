import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';

/** Where a canary was found, in which of its forms. Never the canary itself. */
export interface Hit {
  place: string;
  form: string;
  canary: number;
}

const CHUNK = 1 << 24;

/** Every form a leak could take: as typed, UTF-16, base64 at each alignment, hex, and fragments of 16 bytes. */
export function formsOf(canary: string): { form: string; bytes: Buffer }[] {
  const bytes = Buffer.from(canary, 'latin1');
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    // First and last groups depend on what stands beside the key.
    return { form: `base64+${shift}`, bytes: Buffer.from(text.slice(4, -4)) };
  });
  return [
    { form: 'text', bytes },
    { form: 'utf16', bytes: Buffer.from(canary, 'utf16le') },
    { form: 'hex', bytes: Buffer.from(bytes.toString('hex')) },
    // Inside the random part: what stands before it is alike in all keys of a provider.
    ...(bytes.length < 56 ? [] : [{ form: 'fragment-middle', bytes: bytes.subarray(-40, -24) }]),
    { form: 'fragment-end', bytes: bytes.subarray(-20, -4) },
    ...base64,
  ];
}

/** Searches one text or buffer. */
export function sweepBytes(place: string, content: Buffer | string, canaries: readonly string[]): Hit[] {
  const buffer = typeof content === 'string' ? Buffer.from(content) : content;
  return canaries.flatMap((canary, index) =>
    formsOf(canary)
      .filter(({ bytes }) => buffer.includes(bytes))
      .map(({ form }) => ({ place, form, canary: index })),
  );
}

/** Searches every file below a directory (write-ahead log and database files included). */
export function sweepDirectory(
  directory: string,
  canaries: readonly string[],
): { hits: Hit[]; files: number; bytes: number } {
  const hits: Hit[] = [];
  let files = 0;
  let bytes = 0;
  const walk = (path: string): void => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const full = join(path, entry.name);
      if (entry.isDirectory()) walk(full);
      else if (entry.isFile() && statSync(full, { throwIfNoEntry: false })) {
        const content = readFileSync(full);
        files++;
        bytes += content.length;
        hits.push(...sweepBytes(full.slice(directory.length + 1), content, canaries));
      }
    }
  };
  walk(directory);
  return { hits, files, bytes };
}

/** Searches every table of the product's schema, row by row as text. `client` must be allowed to read all of it. */
export async function sweepDatabase(
  client: Client,
  canaries: readonly string[],
): Promise<{ hits: Hit[]; tables: number; rows: number }> {
  const { rows: tables } = await client.query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
  );
  const hits: Hit[] = [];
  let total = 0;
  for (const { name } of tables) {
    const { rows } = await client.query<{ line: string }>(`SELECT t::text AS line FROM ${name} t`);
    total += rows.length;
    hits.push(...sweepBytes(name, rows.map((row) => row.line).join('\n'), canaries));
  }
  return { hits, tables: tables.length, rows: total };
}

/** Searches the writable memory of a process of ours (Linux; same user or root). */
export function sweepMemory(pid: number, place: string, canaries: readonly string[]): { hits: Hit[]; bytes: number } {
  const forms = canaries.flatMap((canary, index) => formsOf(canary).map((form) => ({ ...form, canary: index })));
  const overlap = Math.max(...forms.map(({ bytes }) => bytes.length));
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const hits: Hit[] = [];
  let read = 0;
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').trim().split('\n')) {
      const range = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line);
      if (!range) continue;
      const end = Number.parseInt(range[2] ?? '0', 16);
      for (let at = Number.parseInt(range[1] ?? '0', 16); at < end; at += CHUNK) {
        const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK + overlap, end - at));
        const length = readPages(memory, buffer, at);
        read += length;
        const view = buffer.subarray(0, length);
        for (const { form, bytes, canary } of forms) if (view.includes(bytes)) hits.push({ place, form, canary });
        buffer.fill(0);
      }
    }
  } finally {
    closeSync(memory);
  }
  return { hits, bytes: read };
}

/** Mappings may vanish while we read: what is gone holds nothing. */
function readPages(file: number, buffer: Buffer, at: number): number {
  try {
    return readSync(file, buffer, 0, buffer.length, at);
  } catch {
    return 0;
  }
}
