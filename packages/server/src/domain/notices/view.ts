import type { NOTICE_FIXES, Notice } from '@ownkey/contract/api/notices';
import { CUSTOM_PROVIDER } from '@ownkey/contract/key';
import type { KeyRow } from '@ownkey/contract/key-view';
import { formatUsd } from '@ownkey/contract/money';
import { hasScope } from '@ownkey/contract/scopes';
import type { Catalogue } from '@ownkey/providers/catalogue';
import type { Sql } from '../../storage/database.ts';
import { providerName } from '../keys/key-calls.ts';
import { decideFollowing, decidePayer, type PayerState } from '../keys/payer.ts';
import { countAnswered, countRefused, type NoticeRow } from './store.ts';

/** Who reads a notice. */
export interface Reader {
  readonly userId: string | null;
  readonly role: 'admin' | 'member';
  readonly scopes: readonly string[];
  /** By which dismissals are kept: the person, else the token. */
  readonly reader: string;
}

type Fix = (typeof NOTICE_FIXES)[number];

/** A notice as this caller sees it, with what it came to by now. */
export async function viewNotice(
  sql: Sql,
  row: NoticeRow,
  state: PayerState,
  catalogue: Catalogue,
  reader: Reader,
): Promise<Notice> {
  const key = state.keys.find(({ id }) => id === row.key_id) ?? null;
  const entry = catalogue.entries.get(row.slug);
  const provider = key?.provider ?? (entry === undefined ? CUSTOM_PROVIDER : row.slug);
  const name = providerName(catalogue, { provider, slug: row.slug });
  const { follows } = decideFollowing(state, { slug: row.slug, provider, providerName: name, user: row.user_id });
  const answered = await countAnswered(sql, row);
  return {
    id: row.id,
    kind: row.kind,
    reason: row.reason,
    provider: row.slug,
    provider_name: name,
    key_id: row.key_id,
    last4: row.last4,
    user: row.user_id,
    started_at: row.started_at.toISOString(),
    ended_at: row.ended_at?.toISOString() ?? null,
    resolution: row.resolution,
    status: key?.status ?? null,
    detail: detailFor(row, reader),
    on_failure: follows,
    calls: answered.calls,
    cost_usd: formatUsd(answered.costNanoUsd),
    refused: row.kind === 'key' ? await countRefused(sql, row) : 0,
    fixes: row.ended_at === null && key !== null ? fixesOf(key, name, state, reader) : [],
    dismissed: row.dismissed_by.includes(reader.reader),
  };
}

/** Members do not read what providers said about company keys. */
function detailFor({ detail, user_id }: NoticeRow, { role }: Reader): NoticeRow['detail'] {
  if (detail === null || role === 'admin' || user_id !== null) return detail;
  const { provider_message: _, ...shown } = detail;
  return shown;
}

/** What ends it: a key that is refused or cannot be opened wants replacing, any other a test first. */
function fixesOf(key: KeyRow, name: string, state: PayerState, { role, scopes }: Reader): Fix[] {
  if (!hasScope(scopes, 'keys:write') || (role !== 'admin' && key.owner !== 'user')) return [];
  const maySwitch = role === 'admin' && key.provider !== CUSTOM_PROVIDER && hasShared(key, name, state);
  const broken = key.status === 'invalid' || key.status === 'undecryptable';
  const first: Fix[] = broken ? ['replace', 'test'] : ['test', 'replace'];
  return [...first, ...(maySwitch ? (['switch'] as const) : []), 'remove'];
}

/** Whether the shared key would answer if the company chose it. */
function hasShared(key: KeyRow, name: string, state: PayerState): boolean {
  const { provider } = key;
  const chosen = { ...state, sources: state.sources.map((row) => ({ ...row, source: 'platform' as const })), keys: [] };
  return decidePayer(chosen, { slug: provider, provider, providerName: name, user: key.user_id }).kind === 'platform';
}
