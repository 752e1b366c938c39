import { loadCompany, loadInstallation, loadToken, loadUser, loadVersions, type Sql } from './load.ts';
import { PriceLoader } from './load-spend.ts';
import { SharedLoads } from './shared-loads.ts';
import type { CompanySnapshot, Configuration, InstallationSnapshot, TokenRecord } from './snapshot.ts';

const COMPANIES_MAX = 5_000;
const TOKENS_MAX = 20_000;
const USERS_MAX = 2_000;

/**
 * What the worker knows of tokens, companies and the installation, kept in memory. A `known` answer may be old: it may lead to a
 * call (reserve() compares its versions before anything is sent) but never to a refusal. A `fresh` answer was read from the
 * database after the question. Every database failure rejects with the driver's error.
 */
export class Configurations {
  readonly #sql: Sql;
  readonly #companies = new Map<string, CompanySnapshot>();
  /** Host's names of companies. */
  readonly #names = new Map<string, string>();
  readonly #tokens = new Map<string, TokenRecord>();
  #installation: InstallationSnapshot | null = null;
  readonly #companyLoads: SharedLoads<string, CompanySnapshot | null>;
  readonly #installationLoads: SharedLoads<'', InstallationSnapshot>;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#companyLoads = new SharedLoads((name) => loadCompany(sql, name));
    const prices = new PriceLoader(sql);
    this.#installationLoads = new SharedLoads(() => loadInstallation(sql, prices));
  }

  knownToken(hash: string): TokenRecord | null {
    return this.#tokens.get(hash) ?? null;
  }

  async freshToken(hash: string): Promise<TokenRecord | null> {
    const token = await loadToken(this.#sql, Buffer.from(hash, 'hex'));
    if (token === null) this.#tokens.delete(hash);
    else keep(this.#tokens, hash, token, TOKENS_MAX);
    return token;
  }

  /** By our id or the host's. */
  known(name: string): Configuration | null {
    const company = this.#companyNamed(name);
    return company && this.#installation ? { company, installation: this.#installation } : null;
  }

  /** null = there is no such company. */
  async fresh(name: string): Promise<Configuration | null> {
    const installationBefore = this.#installation;
    const companyBefore = this.#companyNamed(name);
    const [company, installation] = await Promise.all([this.#companyLoads.get(name), this.#installationLoads.get('')]);
    this.#installation = newest(this.#installation, installationBefore, installation);
    if (company === null) {
      this.#forget(name);
      return null;
    }
    const current = newest(this.#companies.get(company.id) ?? null, companyBefore, company);
    keep(this.#companies, company.id, current, COMPANIES_MAX);
    if (name !== company.id) keep(this.#names, name, company.id, COMPANIES_MAX);
    return { company: current, installation: this.#installation };
  }

  /** The installation alone: for what belongs to no company. */
  async freshInstallation(): Promise<InstallationSnapshot> {
    const before = this.#installation;
    const loaded = await this.#installationLoads.get('');
    this.#installation = newest(this.#installation, before, loaded);
    return this.#installation;
  }

  /** Id of a user of the company; null = there is none. Asked of the database only when the snapshot does not know the name. */
  async user(company: CompanySnapshot, name: string): Promise<string | null> {
    const known = company.users.get(name);
    if (known !== undefined) return known;
    const id = await loadUser(this.#sql, company.id, name);
    if (id !== null) keep(company.users, name, id, USERS_MAX);
    return id;
  }

  /** Whether nothing changed since `configuration` was read. For routes that answer without reserve(). */
  async isCurrent({ company, installation }: Configuration): Promise<boolean> {
    const versions = await loadVersions(this.#sql, company.id);
    return versions.company === company.version && versions.installation === installation.version;
  }

  /** Something of this company ('*' = of the installation) changed: what is known is not used any more. */
  drop(companyId: string): void {
    if (companyId === '*') this.#installation = null;
    else this.#companies.delete(companyId);
  }

  #companyNamed(name: string): CompanySnapshot | null {
    return this.#companies.get(name) ?? this.#companies.get(this.#names.get(name) ?? '') ?? null;
  }

  #forget(name: string): void {
    const id = this.#names.get(name);
    this.#names.delete(name);
    this.#companies.delete(id ?? name);
  }
}

/**
 * Two loads may end in the other order than they began: then the higher version counts. What was known before the load began never
 * outlives it, whatever its version: a database restored from a copy goes on with lower ones.
 */
function newest<Snapshot extends { version: number }>(
  known: Snapshot | null,
  before: Snapshot | null,
  loaded: Snapshot,
): Snapshot {
  return known !== null && known !== before && known.version > loaded.version ? known : loaded;
}

/** A map that drops its oldest entry beyond `max`. */
function keep<Value>(map: Map<string, Value>, key: string, value: Value, max: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= max) return;
  const oldest = map.keys().next().value;
  if (oldest !== undefined) map.delete(oldest);
}
