import type { ROUTES, RouteName } from '@ownkey/contract/routes';
import type { z } from 'zod';
import type { Client } from '../domain/sign-in/sign-in.ts';
import type { CompanyCaller, Credential, InstallationCaller } from './caller.ts';

type Routes = typeof ROUTES;
type Read<R, Member extends string> =
  R extends Record<Member, infer S> ? (S extends z.ZodType ? z.output<S> : undefined) : undefined;

type CallerOf<A> = A extends { who: 'company' }
  ? CompanyCaller
  : A extends { who: 'host' | 'operator' }
    ? InstallationCaller
    : null;

/** What a handler gets: everything read and checked by the route's schemas, and who calls. */
export interface Call<N extends RouteName> {
  readonly params: Read<Routes[N], 'params'>;
  readonly query: Read<Routes[N], 'query'>;
  readonly body: Read<Routes[N], 'body'>;
  readonly headers: Read<Routes[N], 'headers'>;
  /** The body as it came; null = none. */
  readonly bytes: Buffer | null;
  readonly caller: CallerOf<Routes[N]['access']>;
  readonly credential: Credential;
  readonly client: Client;
  /** The host name and port the caller asked for. */
  readonly host: string;
  /** Set when the client went away or the server stops: waiting has no use any more. */
  readonly gone: AbortSignal;
}

type Answers<N extends RouteName> = Routes[N]['answers'];

/** Status, body and headers; the body passes the route's schema, which drops what it does not declare. */
export type Answer<N extends RouteName> = {
  [S in keyof Answers<N>]: {
    readonly status: S;
    readonly body: Answers<N>[S] extends z.ZodType ? z.input<Answers<N>[S]> : never;
    readonly headers?: Readonly<Record<string, string>>;
  };
}[keyof Answers<N>];

export type Handler<N extends RouteName> = (call: Call<N>) => Promise<Answer<N>>;
export type Handlers = { readonly [N in RouteName]: Handler<N> };
/** A part of the handlers, by name. */
export type HandlersOf<N extends RouteName> = Pick<Handlers, N>;
