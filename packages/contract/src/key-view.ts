import { KEY_STATUSES, type KeyOwner, type KeyPermissions, type KeyStatus, type StatusDetail } from './key.ts';

/** A row of `keys` as both planes read it. */
export interface KeyRow {
  id: string;
  owner: KeyOwner;
  user_id: string | null;
  provider: string;
  slug: string | null;
  preset: string | null;
  base_url: string | null;
  destination: string;
  keyless: boolean;
  label: string;
  mask: string;
  last4: string | null;
  enabled: boolean;
  position: number;
  allowed_models: string[] | null;
  allowed_users: string[] | null;
  zero_retention: boolean;
  status: KeyStatus;
  status_detail: StatusDetail | null;
  permissions: KeyPermissions | null;
  models_count: number | null;
  latency_ms: number | null;
  version: number;
  row_version: string;
  changed_by: string | null;
  created_by: string | null;
  created_at: Date;
  changed_at: Date;
  tested_at: Date | null;
  last_used_at: Date | null;
  requests_handled: string;
}

/** Columns of `KeyRow`, for SELECT lists. */
export const KEY_COLUMNS = `id, owner, user_id, provider, slug, preset, base_url, destination, keyless, label, mask, last4,
  enabled, position, allowed_models, allowed_users, zero_retention, status, status_detail, permissions, models_count, latency_ms, version, row_version,
  changed_by, created_by, created_at, changed_at, tested_at, last_used_at, requests_handled`;

/** A key as `/api/keys` and the gateway's `/keys` answer it. */
export interface KeyView {
  id: string;
  version: number;
  provider: string;
  slug: string;
  label: string;
  scope: 'company' | 'user' | 'platform';
  user: string | null;
  mask: string;
  last4: string | null;
  status: KeyStatus;
  status_detail: StatusDetail | null;
  enabled: boolean;
  order: number;
  allowed_models: string[] | null;
  /** Users a company key may be used for; null = all. */
  allowed_users: string[] | null;
  /** A shared key whose provider keeps nothing, by the operator's word. */
  zero_retention: boolean;
  base_url: string | null;
  destination: string;
  preset: string | null;
  keyless: boolean;
  created_at: string;
  created_by: string | null;
  changed_at: string;
  changed_by: string | null;
  tested_at: string | null;
  last_used_at: string | null;
  requests_handled: number;
  latency_ms: number | null;
  permissions: KeyPermissions | null;
  models_count: number | null;
  etag: string;
}

/** The public form of a row: nothing of it helps to rebuild the key. */
export function keyView(row: KeyRow): KeyView {
  return {
    id: row.id,
    version: row.version,
    provider: row.provider,
    slug: row.slug ?? row.provider,
    label: row.label,
    scope: row.owner,
    user: row.user_id,
    mask: row.mask,
    last4: row.last4,
    status: KEY_STATUSES.includes(row.status) ? row.status : 'pending',
    status_detail: row.status_detail,
    enabled: row.enabled,
    order: row.position,
    allowed_models: row.allowed_models,
    allowed_users: row.allowed_users,
    zero_retention: row.zero_retention,
    base_url: row.base_url,
    destination: row.destination,
    preset: row.preset,
    keyless: row.keyless,
    created_at: row.created_at.toISOString(),
    created_by: row.created_by,
    changed_at: row.changed_at.toISOString(),
    changed_by: row.changed_by,
    tested_at: row.tested_at?.toISOString() ?? null,
    last_used_at: row.last_used_at?.toISOString() ?? null,
    requests_handled: Number(row.requests_handled),
    latency_ms: row.latency_ms,
    permissions: row.permissions,
    models_count: row.models_count,
    etag: keyEtag(row),
  };
}

export function keyEtag(row: Pick<KeyRow, 'row_version'>): string {
  return `"${row.row_version}"`;
}
