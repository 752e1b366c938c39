import { createHash } from 'node:crypto';
import { newId } from '@ownkey/contract/ids';
import type { Rates } from '@ownkey/contract/price';
import { newToken } from '@ownkey/contract/token-form';
import type { Client } from 'pg';

/** Rows for tests of the worker, written as the owner. Every function returns what it made. */

export async function seedCompany(
  owner: Client,
  more: { plan?: string; externalId?: string; aiEnabled?: boolean } = {},
): Promise<string> {
  const id = newId('company');
  await owner.query(
    'INSERT INTO ownkey.companies (id, external_id, name, plan, ai_enabled) VALUES ($1, $2, $3, $4, $5)',
    [id, more.externalId ?? null, `Company ${id}`, more.plan ?? 'business', more.aiEnabled ?? true],
  );
  return id;
}

export async function seedUser(owner: Client, companyId: string, externalId: string | null = null): Promise<string> {
  const id = newId('user');
  await owner.query('INSERT INTO ownkey.users (id, company_id, external_id) VALUES ($1, $2, $3)', [
    id,
    companyId,
    externalId,
  ]);
  return id;
}

/** A token and its text. */
export async function seedToken(
  owner: Client,
  companyId: string | null,
  scopes: readonly string[],
  more: { userId?: string; kind?: 'token' | 'embed'; expiresAt?: Date } = {},
): Promise<{ id: string; token: string }> {
  const id = newId('token');
  const token = newToken(companyId === null ? 'host' : more.userId === undefined ? 'co' : 'usr');
  await owner.query(
    `INSERT INTO ownkey.tokens (id, hash, prefix, last4, name, company_id, user_id, scopes, kind, expires_at)
     VALUES ($1, $2, 'oky_', 'test', 'test', $3, $4, $5, $6, $7)`,
    [
      id,
      createHash('sha256').update(token).digest(),
      companyId,
      more.userId ?? null,
      scopes,
      more.kind ?? 'token',
      more.expiresAt ?? null,
    ],
  );
  return { id, token };
}

/** A key row without an envelope. */
export async function seedKey(
  owner: Client,
  key: {
    companyId?: string | null;
    userId?: string;
    provider: string;
    slug?: string;
    baseUrl?: string;
    position?: number;
    allowedModels?: string[];
    status?: string;
    enabled?: boolean;
    last4?: string;
  },
): Promise<string> {
  const id = newId('key');
  const companyId = key.companyId ?? null;
  const owned = key.userId ? 'user' : companyId ? 'company' : 'platform';
  await owner.query(
    `INSERT INTO ownkey.keys (id, owner, company_id, user_id, provider, slug, base_url, destination, last4, enabled, position,
       allowed_models, status)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      id,
      owned,
      companyId,
      key.userId ?? null,
      key.provider,
      key.slug ?? null,
      key.baseUrl ?? null,
      key.baseUrl ? new URL(key.baseUrl).origin : `catalogue:${key.provider}`,
      key.last4 ?? 'wxyz',
      key.enabled ?? true,
      key.position ?? 0,
      key.allowedModels ?? null,
      key.status ?? 'valid',
    ],
  );
  return id;
}

/** A price of the operator's. Rates are nano-USD per million tokens, `request` nano-USD per request. */
export async function seedPrice(
  owner: Client,
  price: { slug: string; model: string; companyId?: string } & Partial<Rates>,
): Promise<string> {
  const { slug, model, companyId = null, ...given } = price;
  const input = given.input ?? 1_000_000_000;
  const base = {
    input,
    cache_read: input,
    cache_write_5m: input,
    cache_write_1h: input,
    output: 2_000_000_000,
    request: 0,
    ...given,
  };
  const id = newId('price');
  await owner.query(
    `INSERT INTO ownkey.prices (id, origin, company_id, slug, model, rates, valid_from)
     VALUES ($1, $2, $3, $4, $5, $6, now() - interval '1 hour')`,
    [
      id,
      companyId === null ? 'operator' : 'company',
      companyId,
      slug,
      model,
      JSON.stringify({ base, tiers: [], windows: [], unbounded: [] }),
    ],
  );
  return id;
}
