/** Associated data of AES-GCM rows, as the store made it: a text with the values of the export's own columns in it. */
import { ImportUsageError, RowFault } from '../faults.ts';
import { COLUMNS } from '../rows/columns.ts';
import { decodeBase64, decodeHex } from './decode-text.ts';

const PLACEHOLDER = /\{([a-z_]+)(?::(hex|base64))?\}/g;

/** @throws ImportUsageError for a placeholder that is no column */
export function checkAadTemplate(template: string): void {
  for (const [, name = ''] of template.matchAll(PLACEHOLDER)) {
    if (!COLUMNS.some((column) => column === name)) {
      throw new ImportUsageError(`--aad: {${name}} is none of the columns ${COLUMNS.join(', ')}.`);
    }
  }
}

/**
 * The bytes for one row. `{company}` is the column's text in UTF-8, `{aad:hex}` and `{aad:base64}` the bytes it stands for; all else
 * is taken as it is written.
 * @throws RowFault row.field_missing, cipher.format
 */
export function fillAad(template: string, fields: ReadonlyMap<string, string>): Buffer {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const match of template.matchAll(PLACEHOLDER)) {
    const [whole, name = '', form] = match;
    pieces.push(Buffer.from(template.slice(at, match.index)), bytesOf(name, form, fields));
    at = match.index + whole.length;
  }
  pieces.push(Buffer.from(template.slice(at)));
  return Buffer.concat(pieces);
}

function bytesOf(name: string, form: string | undefined, fields: ReadonlyMap<string, string>): Buffer {
  const text = fields.get(name) ?? '';
  if (text === '') throw new RowFault('row.field_missing', `--aad needs the column ${name}, which is empty here.`);
  if (form === undefined) return Buffer.from(text);
  const bytes = form === 'hex' ? decodeHex(text) : decodeBase64(text);
  if (bytes === null) throw new RowFault('cipher.format', `The column ${name} is not ${form}.`);
  return bytes;
}
