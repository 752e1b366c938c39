import { OwnkeyError } from '@ownkey/contract/errors';

/** A page's end as clients get it: opaque text. */
export function writeCursor(position: string): string {
  return Buffer.from(`1:${position}`).toString('base64url');
}

/** @throws OwnkeyError request.invalid for anything `writeCursor` did not write in this form */
export function readCursor(cursor: string | undefined, form: RegExp): string | null {
  if (cursor === undefined) return null;
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  const position = text.startsWith('1:') ? text.slice(2) : null;
  if (position === null || !form.test(position))
    throw new OwnkeyError('request.invalid', { problem: 'cursor: not one of this list.', param: 'cursor' });
  return position;
}

/** Cuts a list read with one more than `limit` into a page. */
export function pageOf<R, T>(
  rows: readonly R[],
  limit: number,
  view: (row: R) => T,
  position: (row: R) => string,
): { data: T[]; next_cursor: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    data: page.map(view),
    next_cursor: rows.length > limit && last !== undefined ? writeCursor(position(last)) : null,
  };
}

export const ID_POSITION = /^[a-z]{2,4}_[0-9a-zA-Z]{1,60}$/;
export const PAGE_SIZE = 100;
