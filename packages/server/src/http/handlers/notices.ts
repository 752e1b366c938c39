import { OwnkeyError } from '@ownkey/contract/errors';
import type { NOTICE_ROUTES } from '@ownkey/contract/routes/notices';
import { readState } from '../../domain/keys/key-calls.ts';
import { dismissNotice, listNotices } from '../../domain/notices/store.ts';
import { viewNotice } from '../../domain/notices/view.ts';
import { PAGE_SIZE, pageOf, readCursor } from '../cursor.ts';
import type { HandlersOf } from '../handler.ts';
import type { Parts } from './parts.ts';

/** Notices of keys and fallbacks. */
export function noticeHandlers(parts: Parts): HandlersOf<keyof typeof NOTICE_ROUTES> {
  const { database, catalogue } = parts;
  return {
    listNotices: async ({ caller, query }) => {
      const limit = query.limit ?? PAGE_SIZE;
      const after = readPosition(query.cursor);
      const state = await readState(parts, caller.companyId);
      const reader = { ...caller, reader: caller.userId ?? caller.actor };
      return database.tenant(caller.companyId, async (sql) => {
        const rows = await listNotices(sql, caller, query.state ?? 'all', after, limit + 1);
        const page = pageOf(
          rows,
          limit,
          (row) => row,
          (row) => `${row.ended_at === null ? 'open' : 'ended'} ${row.id}`,
        );
        const data = [];
        for (const row of page.data) data.push(await viewNotice(sql, row, state, catalogue, reader));
        return { status: 200, body: { data, next_cursor: page.next_cursor } };
      });
    },
    dismissNotice: ({ caller, params }) =>
      database.tenant(caller.companyId, async (sql) => {
        const found = await dismissNotice(sql, caller, params.id, caller.userId ?? caller.actor);
        if (!found) throw new OwnkeyError('not_found');
        return { status: 204, body: null };
      }),
  };
}

/** @throws OwnkeyError request.invalid */
function readPosition(cursor: string | undefined): { open: boolean; id: string } | null {
  const [state, id] = readCursor(cursor, POSITION)?.split(' ') ?? [];
  return id === undefined ? null : { open: state === 'open', id };
}

const POSITION = /^(?:open|ended) ntc_[0-9a-f]{26}$/;
