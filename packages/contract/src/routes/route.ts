import type { Schema } from '../api/common.ts';
import type { Scope } from '../scopes.ts';

/**
 * Who may call a route.
 * - `public`: anybody, signed in or not.
 * - `session`: somebody signed in to the console.
 * - `company`: a session or token of the company, or a host token that names one, with this scope, or with `or`; `admin` = members
 *   may not.
 * - `host`, `operator`: a token with that scope, or a signed-in operator. Neither is of any company.
 */
export type RouteAccess =
  | { readonly who: 'public' }
  | { readonly who: 'session' }
  | { readonly who: 'company'; readonly scope: Scope; readonly or?: Scope; readonly admin?: true }
  | { readonly who: 'host' }
  | { readonly who: 'operator' };

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Fastify form: `/api/keys/:id`. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly access: RouteAccess;
  readonly params?: Schema;
  readonly query?: Schema;
  readonly headers?: Schema;
  readonly body?: Schema;
  /** How large and how deeply nested a body may be, where that is not what holds for every call. */
  readonly bodyMax?: { readonly bytes: number; readonly levels: number };
  /** By status; what it does not declare never leaves the server. */
  readonly answers: Readonly<Record<number, Schema>>;
  /** Same route under another address, left out of the description. */
  readonly aliases?: readonly string[];
}

export const PUBLIC = { who: 'public' } as const satisfies RouteAccess;
export const SESSION = { who: 'session' } as const satisfies RouteAccess;
export const HOST = { who: 'host' } as const satisfies RouteAccess;
export const OPERATOR = { who: 'operator' } as const satisfies RouteAccess;

/** Who has the scope in the company, or the other one. */
export function company(scope: Scope, or?: Scope) {
  return { who: 'company', scope, ...(or === undefined ? {} : { or }) } as const satisfies RouteAccess;
}

/** The same, and members may not. */
export function admins(scope: Scope) {
  return { who: 'company', scope, admin: true } as const satisfies RouteAccess;
}
