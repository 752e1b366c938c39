import type { Policies } from '@ownkey/contract/policies';
import type { PriceRow } from '@ownkey/contract/price';
import type { CapRow } from '@ownkey/contract/spend';
import type { SourceKey, SourcePlan, SourceRow } from '@ownkey/policy/decide-source';
import type { PriceBook } from '@ownkey/policy/price-book';

/** A stored key as routing sees it: no envelope, no key. */
export interface StoredKey extends SourceKey {
  version: number;
  provider: string;
  slug: string | null;
  preset: string | null;
  baseUrl: string | null;
  destination: string;
  keyless: boolean;
  last4: string | null;
  /** When it was tested last, as the database writes it; only compared. */
  testedAt: string | null;
}

export interface Plan extends SourcePlan {
  id: string;
  /** Nano-USD of platform keys per UTC month; null = no limit. */
  creditsNanoUsd: bigint | null;
  requestsPerMinute: number | null;
  concurrentRequests: number | null;
}

/** What is true for the whole installation at one `version`. Immutable. */
export interface InstallationSnapshot {
  version: number;
  plans: ReadonlyMap<string, Plan>;
  /** Keys of the operator by provider. */
  platformKeys: ReadonlyMap<string, readonly StoredKey[]>;
  policies: Policies;
  /** How far the ledger's clock was ahead of this process's when this was read: prices come into force by the ledger's. */
  clockOffsetMs: number;
  /** Prices that are not a company's own. */
  prices: PriceBook;
}

/** What decisions for one company are made of, at one `version`. Immutable but for the users, which are added as they are named. */
export interface CompanySnapshot {
  id: string;
  externalId: string | null;
  name: string;
  planId: string;
  aiEnabled: boolean;
  zeroRetention: boolean;
  personalKeysAllowed: boolean;
  version: number;
  /** Own keys by slug (catalogue id or slug of a custom endpoint). */
  ownKeys: ReadonlyMap<string, readonly StoredKey[]>;
  sources: readonly SourceRow[];
  /** Keys whose failing, or whose fallback, people were told of. */
  keysInNotice: ReadonlySet<string>;
  /** Models chosen for operations; '' = for all others. */
  operationModels: ReadonlyMap<string, string>;
  caps: readonly CapRow[];
  /** The company's own prices. */
  prices: readonly PriceRow[];
  /** Calls without a known price are refused, on own keys too. */
  blockUnpriced: boolean;
  /** Ids of users by the name they were called by (our id or the host's), as far as they were named since. Bounded. */
  users: Map<string, string>;
}

/** A token as stored: never the token itself. */
export interface TokenRecord {
  id: string;
  companyId: string | null;
  userId: string | null;
  scopes: readonly string[];
  kind: 'token' | 'embed';
  /** Milliseconds since 1970, or null for never. */
  expiresAt: number | null;
  /** Limits of this token alone; null = none. */
  requestsPerMinute: number | null;
  concurrentRequests: number | null;
  /** Versions at the moment the token was read: it stands as long as the version that covers it (see `isTokenOf`). */
  companyVersion: number | null;
  installationVersion: number;
}

/** Whether the token was read at the very version of the configuration it is used with. Host tokens move the installation's. */
export function isTokenOf(token: TokenRecord, { company, installation }: Configuration): boolean {
  return token.companyId === null
    ? token.installationVersion === installation.version
    : token.companyId === company.id && token.companyVersion === company.version;
}

/** Company and installation as one decision uses them together. */
export interface Configuration {
  company: CompanySnapshot;
  installation: InstallationSnapshot;
}

/** Slug of a key: what model names begin with. */
export function slugOf(key: Pick<StoredKey, 'provider' | 'slug'>): string {
  return key.slug ?? key.provider;
}
