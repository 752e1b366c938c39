import type { IncomingHttpHeaders } from 'node:http';
import { OwnkeyError } from '@ownkey/contract/errors';
import { REQUEST_HEADERS, TAG_PATTERN } from '@ownkey/contract/headers';
import { isId } from '@ownkey/contract/ids';
import { hasScope, type Scope } from '@ownkey/contract/scopes';
import type { Configurations } from './configurations.ts';
import { readCredential } from './credential.ts';
import { type Configuration, isTokenOf, type TokenRecord } from './snapshot.ts';

/** Who calls, for which company and user, and the configuration everything about the call is decided on. */
export interface Caller {
  token: Pick<TokenRecord, 'id' | 'requestsPerMinute' | 'concurrentRequests'>;
  scopes: readonly string[];
  /** The host's own token: it may do what its companies may. */
  host: boolean;
  configuration: Configuration;
  userId: string | null;
  operation: string | null;
  account: string | null;
  /** False when any of this was known from before: then it may lead to a call, but a refusal needs a fresh look. */
  fresh: boolean;
}

export interface CallerReader {
  /**
   * Reads who calls from the headers and checks that they may do what `scope` names.
   * `fresh` reads everything from the database; without it memory may answer, but never a refusal.
   * @throws OwnkeyError auth.*, not_found, request.invalid; the driver's error when the database does not answer
   */
  read(headers: IncomingHttpHeaders, scope: Scope, fresh: boolean): Promise<Caller>;
}

export function createCallerReader(options: {
  configurations: Configurations;
  /** Creates a member with the host's id for them; resolves to our id. */
  createUser: (companyId: string, externalId: string) => Promise<string | null>;
  /** A token is used after its end; it is told in the record. */
  expiredUse: (tokenId: string) => void;
  now: () => number;
}): CallerReader {
  return {
    async read(headers, scope, fresh) {
      if (fresh) return readCaller(options, headers, scope, true);
      try {
        return await readCaller(options, headers, scope, false);
      } catch (error) {
        if (!(error instanceof OwnkeyError) || !DEPENDS_ON_MEMORY.has(error.code)) throw error;
        return readCaller(options, headers, scope, true);
      }
    },
  };
}

/** Refusals that another state of the database would not have given. */
const DEPENDS_ON_MEMORY: ReadonlySet<string> = new Set(['auth.invalid', 'auth.scope', 'auth.act_as_user', 'not_found']);

async function readCaller(
  { configurations, createUser, expiredUse, now }: Parameters<typeof createCallerReader>[0],
  headers: IncomingHttpHeaders,
  scope: Scope,
  fresh: boolean,
): Promise<Caller> {
  const hash = readCredential(headers);
  const operation = readTag(headers, REQUEST_HEADERS.operation);
  const account = readTag(headers, REQUEST_HEADERS.account);
  const companyName = readTag(headers, REQUEST_HEADERS.company);
  const userName = readTag(headers, REQUEST_HEADERS.user);

  let token = fresh ? null : configurations.knownToken(hash);
  let isFresh = token === null;
  token ??= await configurations.freshToken(hash);
  if (isFresh && isOver(token, now())) expiredUse(token.id);
  checkToken(token, now());
  const host = token.companyId === null && hasScope(token.scopes, 'host');
  if (!host && !hasScope(token.scopes, scope)) throw new OwnkeyError('auth.scope', { scope });

  const name = token.companyId ?? companyName;
  if (name === null) throw new OwnkeyError(host ? 'auth.company_required' : 'auth.scope', { scope: 'host' });
  if (!host && token.companyId === null) throw new OwnkeyError('auth.scope', { scope: 'host' });
  let configuration = fresh ? null : configurations.known(name);
  if (configuration !== null) isFresh = false;
  configuration ??= await configurations.fresh(name);
  if (configuration === null) throw new OwnkeyError(host ? 'not_found' : 'auth.invalid');
  if (!host && companyName !== null && !isNamed(configuration, companyName)) throw new OwnkeyError('not_found');
  // A token read at another version than the configuration may have been revoked in between: read it again. A newer one than
  // the configuration is settled by reserve(), which refuses the older version.
  if (!isTokenOf(token, configuration)) {
    token = await configurations.freshToken(hash);
    checkToken(token, now());
    if (!host && !hasScope(token.scopes, scope)) throw new OwnkeyError('auth.scope', { scope });
  }
  const userId = await readUser({ configurations, createUser, configuration, token, host, userName });
  return { token, scopes: token.scopes, host, configuration, userId, operation, account, fresh: isFresh };
}

function checkToken(token: TokenRecord | null, now: number): asserts token is TokenRecord {
  if (token === null || isOver(token, now)) throw new OwnkeyError('auth.invalid');
}

/** From the very moment of its end on. */
function isOver(token: TokenRecord | null, now: number): token is TokenRecord {
  return token !== null && token.expiresAt !== null && token.expiresAt <= now;
}

function isNamed({ company }: Configuration, name: string): boolean {
  return name === company.id || name === company.externalId;
}

/** The user of the call: the token's own, or the one it names where it may. */
async function readUser(call: {
  configurations: Configurations;
  createUser: (companyId: string, externalId: string) => Promise<string | null>;
  configuration: Configuration;
  token: TokenRecord;
  host: boolean;
  userName: string | null;
}): Promise<string | null> {
  const { configurations, configuration, token, host, userName } = call;
  if (userName === null) return token.userId;
  const mayName = host || (token.kind === 'token' && hasScope(token.scopes, 'act_as_user'));
  if (!mayName && token.userId === null) throw new OwnkeyError('auth.act_as_user');
  const id = await configurations.user(configuration.company, userName);
  if (id !== null && (mayName || id === token.userId)) return id;
  if (!mayName) throw new OwnkeyError('auth.act_as_user');
  // Something in the form of our own ids is a wrong id, not a new user of the host's.
  const created = host && !isId('user', userName) ? await call.createUser(configuration.company.id, userName) : null;
  if (created === null) throw new OwnkeyError('not_found');
  return created;
}

function readTag(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name];
  if (value === undefined) return null;
  if (typeof value !== 'string' || !TAG_PATTERN.test(value)) {
    const problem = `${name} must be 1 to 128 visible ASCII characters.`;
    throw new OwnkeyError('request.invalid', { problem, param: name });
  }
  return value;
}
