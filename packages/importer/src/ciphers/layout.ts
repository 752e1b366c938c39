/** Where nonce and tag of a stored ciphertext are: in the same text, in an order of the store's own, or in columns of theirs. */
import type { ImportEncoding } from '@ownkey/contract/import-order';
import { ImportUsageError, RowFault } from '../faults.ts';
import { decodeBase64, decodeHex } from './decode-text.ts';

export type Part = 'nonce' | 'ciphertext' | 'tag';
export type Parts = Readonly<Record<Part, Buffer>>;
type Fields = ReadonlyMap<string, string>;

export interface Layout {
  readonly order: readonly Part[];
  /** ":" or "." where every part is a text of its own; null = one text, the parts joined as bytes. */
  readonly separator: string | null;
  readonly bytes: Readonly<Record<'nonce' | 'tag', number>>;
  readonly encoding: ImportEncoding;
}

const PARTS: readonly Part[] = ['nonce', 'ciphertext', 'tag'];

/**
 * Reads `nonce-ciphertext-tag` and the like.
 * @throws ImportUsageError for parts that are missing, repeated or unknown
 */
export function parseLayout(text: string, bytes: Layout['bytes'], encoding: ImportEncoding): Layout {
  const separator = [':', '.'].find((sign) => text.includes(sign)) ?? null;
  const names = text.split(separator ?? '-');
  const order = PARTS.filter((part) => names.includes(part)).toSorted((a, b) => names.indexOf(a) - names.indexOf(b));
  if (order.length !== names.length || !order.includes('ciphertext')) {
    throw new ImportUsageError(
      `--layout ${text}: name ciphertext, and nonce and tag where they are in the same column, in their order; for example nonce-ciphertext-tag.`,
    );
  }
  return { order, separator, bytes, encoding };
}

/**
 * The three parts of a row; nonce and tag that the layout does not name come from columns of that name. A tag is empty where the
 * cipher has none apart.
 * @throws RowFault cipher.format, row.field_missing
 */
export function takeParts(fields: Fields, layout: Layout): Parts {
  const text = fields.get('ciphertext') ?? '';
  const found = layout.separator === null ? cutBytes(text, layout) : cutText(text, layout.separator, layout);
  const of = (part: 'nonce' | 'tag'): Buffer => found.get(part) ?? ownColumn(fields, part, layout);
  return { ciphertext: found.get('ciphertext') ?? Buffer.alloc(0), nonce: of('nonce'), tag: of('tag') };
}

export function decodeColumn(text: string, column: string, encoding: ImportEncoding): Buffer {
  const bytes = text.startsWith('\\x') || encoding === 'hex' ? decodeHex(text) : decodeBase64(text);
  if (bytes === null) {
    const other = encoding === 'hex' ? 'base64' : 'hex';
    throw new RowFault('cipher.format', `The column ${column} is not ${encoding}; try --encoding ${other}.`);
  }
  return bytes;
}

function ownColumn(fields: Fields, part: 'nonce' | 'tag', { bytes, encoding }: Layout): Buffer {
  if (bytes[part] === 0) return Buffer.alloc(0);
  const text = fields.get(part) ?? '';
  if (text === '') {
    throw new RowFault('row.field_missing', `There is no ${part}: neither in the layout nor in a column ${part}.`);
  }
  return decodeColumn(text, part, encoding);
}

function cutText(text: string, separator: string, layout: Layout): Map<Part, Buffer> {
  const pieces = text.split(separator);
  if (pieces.length !== layout.order.length) {
    throw new RowFault(
      'cipher.format',
      `The ciphertext does not have ${layout.order.length} parts with "${separator}".`,
    );
  }
  return new Map(layout.order.map((part, i) => [part, decodeColumn(pieces[i] ?? '', 'ciphertext', layout.encoding)]));
}

function cutBytes(text: string, layout: Layout): Map<Part, Buffer> {
  const whole = decodeColumn(text, 'ciphertext', layout.encoding);
  const fixed = layout.order.reduce((sum, part) => sum + (part === 'ciphertext' ? 0 : layout.bytes[part]), 0);
  if (whole.length < fixed) throw new RowFault('cipher.format', 'The ciphertext is too short for its layout.');
  const parts = new Map<Part, Buffer>();
  let at = 0;
  for (const part of layout.order) {
    const length = part === 'ciphertext' ? whole.length - fixed : layout.bytes[part];
    parts.set(part, whole.subarray(at, at + length));
    at += length;
  }
  return parts;
}
