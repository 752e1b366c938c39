import type { ImportFormat } from '@ownkey/contract/import-order';
import { describe, expect, test } from 'vitest';
import { ImportUsageError, RowFault } from '../faults.ts';
import { readRows } from './read-rows.ts';
import { RECORD_BYTES_MAX } from './split-records.ts';

type Read = [line: number, fields: Record<string, string> | string];

/** Rows of `text`, cut into pieces of `size` bytes: what is read must not depend on where they end. */
async function read(text: string | Buffer, format: ImportFormat = 'csv', size = 7): Promise<Read[]> {
  const bytes = Buffer.from(text);
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += size) yield Buffer.from(bytes.subarray(at, at + size));
  }
  const rows: Read[] = [];
  for await (const { line, fields } of readRows(pieces(), { format, ignored: (name) => ignored.push(name) })) {
    rows.push([line, fields instanceof RowFault ? fields.code : Object.fromEntries(fields)]);
  }
  return rows;
}

const ignored: string[] = [];
const HEADER = 'company,provider,ciphertext,label';
const fields = (label?: string) => ({ company: 'acme', provider: 'p', ciphertext: 'x', ...(label && { label }) });

describe('CSV', () => {
  test.each([1, 2, 3, 5, 64, 65_536])('is read alike in pieces of %i bytes', async (size) => {
    const text = `\ufeff${HEADER}\r\nacme,p,x,\r\n\r\nacme,p,x,"a, ""b"" and ü"\n"acme","p","x",plain`;
    expect(await read(text, 'csv', size)).toEqual([
      [2, fields()],
      [4, fields('a, "b" and ü')],
      [5, fields('plain')],
    ]);
  });

  test('takes its columns in any order and case, and names those it does not look at once', async () => {
    ignored.length = 0;
    expect(await read('Created_At, CipherText ,PROVIDER,company\n1,x,p,acme\n2,x,p,acme\n')).toEqual([
      [2, fields()],
      [3, fields()],
    ]);
    expect(ignored).toEqual(['created_at']);
  });

  test.each([
    ['a field too few', 'acme,p,x', 'row.malformed'],
    ['a field too many', 'acme,p,x,,', 'row.malformed'],
    ['a quote inside a field', 'acme,p,x,a"b', 'row.malformed'],
    ['text behind the closing quote', 'acme,p,x,"a"b', 'row.malformed'],
    ['a line break inside a field', 'acme,p,x,"a\nb"', 'row.malformed'],
    ['a NUL', 'ac\0me,p,x,', 'row.malformed'],
    ['no company', ',p,x,', 'row.field_missing'],
    ['no ciphertext', 'acme,p,,', 'row.field_missing'],
    ['a company of 513 characters', `${'a'.repeat(513)},p,x,`, 'row.malformed'],
  ])('reports a row with %s and reads the next', async (_, bad, code) => {
    expect(await read(`${HEADER}\n${bad}\nacme,p,x,next`)).toEqual([
      [2, code],
      [bad.includes('\n') ? 4 : 3, fields('next')],
    ]);
  });

  test('reports a row that is not UTF-8 and reads the next', async () => {
    const bytes = Buffer.concat([
      Buffer.from(`${HEADER}\nacme,p,x,`),
      Buffer.from([0xc3, 0x28, 0x0a]),
      Buffer.from('acme,p,x,next'),
    ]);
    expect(await read(bytes)).toEqual([
      [2, 'row.not_utf8'],
      [3, fields('next')],
    ]);
  });

  test('loses to a quote that never closes no more than a row of the longest size', async () => {
    const lines = Math.ceil(RECORD_BYTES_MAX / 18);
    const rows = await read(
      `${HEADER}\nacme,p,x,"open\n${'acme,p,x,swallowed\n'.repeat(lines)}acme,p,x,next`,
      'csv',
      65_536,
    );
    expect(rows[0]).toEqual([2, 'row.too_long']);
    expect(rows.at(-1)).toEqual([lines + 3, fields('next')]);
  });

  test.each([
    ['nothing', '', /is empty/],
    ['blank lines alone', '\n\r\n', /is empty/],
    ['a header that lacks columns', 'company,key\na,b', /no column ciphertext, provider/],
    ['a header in other signs', 'company;provider;ciphertext\na;b;c', /no column ciphertext, company, provider/],
    ['a column twice', 'company,provider,ciphertext,company\n', /company twice/],
    ['a header longer than any', `${'x'.repeat(RECORD_BYTES_MAX + 1)}\n${HEADER}`, /header: Longer than/],
  ])('of %s is refused as a whole', async (_, text, problem) => {
    const refusal = read(text, 'csv', 65_536);
    await expect(refusal).rejects.toThrow(ImportUsageError);
    await expect(refusal).rejects.toThrow(problem);
  });
});

describe('JSON lines', () => {
  const good = '{"company":"acme","provider":"p","ciphertext":"x"}';

  test('take numbers as text, null as nothing, and escapes in values', async () => {
    const text =
      '{"id":12,"company":"acme","provider":"p","ciphertext":"x","label":"a \\"b\\": c","user":null,"other":true}';
    expect(await read(`\ufeff${text}\r\n\n`, 'jsonl')).toEqual([[1, { ...fields('a "b": c'), id: '12' }]]);
  });

  test.each([
    ['no JSON', '{"company":', 'row.malformed'],
    ['a list', '[]', 'row.malformed'],
    ['a member twice', good.replace('{', '{"company":"other",'), 'row.malformed'],
    ['an object inside', good.replace('"x"', '{"company":"x"}'), 'row.malformed'],
    ['a flag for a text', good.replace('"x"', 'true'), 'row.malformed'],
    ['an escaped NUL', good.replace('acme', 'ac\\u0000me'), 'row.malformed'],
    ['no provider', '{"company":"acme","ciphertext":"x"}', 'row.field_missing'],
  ])('report %s and go on', async (_, bad, code) => {
    expect(await read(`${bad}\n${good}`, 'jsonl')).toEqual([
      [1, code],
      [2, fields()],
    ]);
  });

  test('of nothing are refused', async () => {
    await expect(read('', 'jsonl')).rejects.toThrow('is empty');
  });
});
