/** An export as rows: each with its fields, or with what is wrong with it. */
import type { ImportFormat } from '@ownkey/contract/import-order';
import { ImportUsageError, RowFault } from '../faults.ts';
import { COLUMNS, NEEDED_COLUMNS } from './columns.ts';
import { parseCsvFields } from './csv-fields.ts';
import { type RawRecord, RECORD_BYTES_MAX, splitRecords } from './split-records.ts';

export interface Row {
  readonly line: number;
  /** Values of `COLUMNS` that are not empty; a RowFault when the row cannot be read. */
  readonly fields: ReadonlyMap<string, string> | RowFault;
}

export interface ReadOptions {
  readonly format: ImportFormat;
  /** Told each name of a column that is not looked at, once. */
  readonly ignored: (column: string) => void;
}

const VALUE_CHARACTERS_MAX = 512;
/** Columns that hold encoded bytes, as long as a row may be. */
const LONG_COLUMNS = new Set(['ciphertext', 'aad']);
const IGNORED_MAX = 50;

/**
 * Rows in the order of the export; blank lines do not count.
 * @throws ImportUsageError when it is empty, or its header names no ciphertext, company or provider
 */
export async function* readRows(chunks: AsyncIterable<Buffer>, options: ReadOptions): AsyncGenerator<Row> {
  const seen = new Set<string>();
  const ignored = (column: string): void => {
    if (seen.has(column) || seen.size >= IGNORED_MAX) return;
    seen.add(column);
    options.ignored(column);
  };
  const parse = options.format === 'csv' ? csvParser(ignored) : jsonParser(ignored);
  let first = true;
  let headed = options.format === 'jsonl';
  for await (const raw of splitRecords(chunks, options.format === 'csv')) {
    const record = first ? withoutMark(raw) : raw;
    first = false;
    if (record.bytes !== null && isBlank(record.bytes)) continue;
    const fields = attempt(() => parse(decode(record)));
    if (!headed && fields instanceof RowFault) throw new ImportUsageError(`The header: ${fields.message}`);
    headed = true;
    if (fields !== null) yield { line: record.line, fields };
  }
  parse.end();
}

interface Parser {
  /** null for a header. @throws RowFault, ImportUsageError */
  (text: string): ReadonlyMap<string, string> | null;
  /** @throws ImportUsageError when nothing came */
  end(): void;
}

function csvParser(ignored: (column: string) => void): Parser {
  let header: readonly string[] | null = null;
  const parse = (text: string): ReadonlyMap<string, string> | null => {
    const values = parseCsvFields(text);
    if (header === null) {
      header = readHeader(values, ignored);
      return null;
    }
    if (values === null) throw new RowFault('row.malformed', 'The quotes of this row are wrong.');
    if (values.length !== header.length) {
      throw new RowFault('row.malformed', `This row has ${values.length} fields, the header ${header.length}.`);
    }
    const names = header;
    return checkFields(values.map((value, i): [string, unknown] => [names[i] ?? '', value]));
  };
  return Object.assign(parse, {
    end() {
      if (header === null) throw new ImportUsageError('The export is empty: its first line must name the columns.');
    },
  });
}

function readHeader(values: string[] | null, ignored: (column: string) => void): string[] {
  if (values === null) throw new ImportUsageError('The quotes of the header are wrong: is this CSV?');
  const names = values.map((name) => name.trim().toLowerCase());
  const missing = NEEDED_COLUMNS.filter((name) => !names.includes(name));
  if (missing.length > 0) {
    throw new ImportUsageError(
      `The header has no column ${missing.join(', ')}. The first line of a CSV names its columns, separated by commas; rename yours (SELECT … AS company).`,
    );
  }
  const repeated = COLUMNS.find((name) => names.indexOf(name) !== names.lastIndexOf(name));
  if (repeated !== undefined) throw new ImportUsageError(`The header names ${repeated} twice.`);
  for (const name of names) if (!COLUMNS.some((column) => column === name)) ignored(name);
  return names;
}

function jsonParser(ignored: (column: string) => void): Parser {
  let any = false;
  const parse = (text: string): ReadonlyMap<string, string> => {
    any = true;
    const entries = parseFlatObject(text);
    for (const [name] of entries) if (!COLUMNS.some((column) => column === name)) ignored(name);
    return checkFields(entries);
  };
  return Object.assign(parse, {
    end() {
      if (!any) throw new ImportUsageError('The export is empty: there is no line in it.');
    },
  });
}

/** A second member of the same name would win unseen; a flat object has as many names as members. */
function parseFlatObject(text: string): [string, unknown][] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new RowFault('row.malformed', 'This line is not JSON.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RowFault('row.malformed', 'This line is not a JSON object.');
  }
  const entries = Object.entries(value);
  let names = 0;
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)) if (match[1] !== undefined) names++;
  if (names !== entries.length) {
    throw new RowFault('row.malformed', 'A member is repeated, or holds an object: one flat object a line.');
  }
  return entries;
}

function checkFields(entries: readonly [string, unknown][]): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const [name, value] of entries) {
    if (!COLUMNS.some((column) => column === name)) continue;
    const text = typeof value === 'number' ? String(value) : (value ?? '');
    if (typeof text !== 'string') throw new RowFault('row.malformed', `${name} is neither text nor number.`);
    if (/\p{Cc}/u.test(text)) throw new RowFault('row.malformed', `${name} holds a control character.`);
    if (text.length > VALUE_CHARACTERS_MAX && !LONG_COLUMNS.has(name)) {
      throw new RowFault('row.malformed', `${name} has more than ${VALUE_CHARACTERS_MAX} characters.`);
    }
    if (text !== '') fields.set(name, text);
  }
  const missing = NEEDED_COLUMNS.filter((name) => !fields.has(name));
  if (missing.length > 0) throw new RowFault('row.field_missing', `There is no ${missing.join(', no ')}.`);
  return fields;
}

function decode({ bytes }: RawRecord): string {
  if (bytes === null) throw new RowFault('row.too_long', `Longer than ${RECORD_BYTES_MAX} bytes: no row of keys is.`);
  const end = bytes.at(-1) === 0x0d ? bytes.length - 1 : bytes.length;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, end));
  } catch {
    throw new RowFault('row.not_utf8', 'This row is not UTF-8: export it again in that encoding.');
  }
}

function attempt<T>(parse: () => T): T | RowFault {
  try {
    return parse();
  } catch (error) {
    if (error instanceof RowFault) return error;
    throw error;
  }
}

function withoutMark(record: RawRecord): RawRecord {
  const marked = record.bytes?.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf]));
  return marked ? { ...record, bytes: record.bytes?.subarray(3) ?? null } : record;
}

function isBlank(bytes: Buffer): boolean {
  return bytes.length === 0 || (bytes.length === 1 && bytes[0] === 0x0d);
}
