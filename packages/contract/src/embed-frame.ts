/**
 * The embed: a frame of the console's origin in a page of the host's, and what both say to each other. The page posts one
 * `EmbedHello` with a port to the frame's window; everything else goes through that port. The session's token never stands in an
 * address.
 */
import { FIELD_COLOURS, FIELD_LENGTHS } from './field.ts';

/** The frame's page; `?s=` names the session by its id, which is no secret. */
export const EMBED_PATH = '/embed';

export const EMBED_PROTOCOL = 1;

/** Rooms that can be embedded. */
export const EMBED_ROOMS = ['keys', 'spend'] as const;
export type EmbedRoom = (typeof EMBED_ROOMS)[number];

/** What a page may set by CSS variable on the element: as in the secure field, and what lies around it. */
export const EMBED_COLOURS = [
  ...FIELD_COLOURS,
  '--oky-bg',
  '--oky-selected',
  '--oky-text-3',
  '--oky-border',
  '--oky-on-ink',
] as const;
export const EMBED_LENGTHS = FIELD_LENGTHS;

export interface EmbedLook {
  readonly theme: 'light' | 'dark' | 'system';
  /** Colours as `#rrggbb`, lengths as `<n>px`. */
  readonly tokens: Readonly<Record<string, string>>;
}

/** The first message, with the port. It holds no secret: the session follows once the frame has said `here`. */
export interface EmbedHello {
  readonly ownkey: 'embed';
  readonly v: typeof EMBED_PROTOCOL;
}

/** What is shown, and how. */
export interface EmbedView {
  readonly rooms: readonly EmbedRoom[];
  readonly look: EmbedLook;
  readonly locale: string | null;
  /** Where headings start, 1 to 5. */
  readonly headingLevel: number;
}

/** From the page to the frame. */
export type ToEmbed =
  | ({ readonly type: 'start'; readonly session: string } & EmbedView)
  /** A new session of the same user: goes on in place. */
  | { readonly type: 'session'; readonly session: string }
  | { readonly type: 'look'; readonly look: EmbedLook };

/** A key as hosts hear of it. */
export interface EmbedKeyFact {
  readonly key: string;
  readonly provider: string;
  readonly status?: string;
  readonly last4?: string | null;
}

/** What hosts hear as DOM events, each with its detail. */
export interface EmbedEvents {
  readonly ready: Readonly<Record<string, never>>;
  readonly connected: EmbedKeyFact;
  readonly replaced: EmbedKeyFact;
  readonly removed: EmbedKeyFact;
  readonly 'source-changed': { readonly provider: string; readonly source: string };
  /** Something that the page itself may want to say too. */
  readonly notice: { readonly code: string; readonly [fact: string]: string | null };
  readonly 'session-expiring': { readonly expires_at: string };
  readonly 'session-expired': Readonly<Record<string, never>>;
  readonly error: { readonly code: string };
  readonly resize: { readonly height: number };
  /** Tokens that were not taken: unknown, of another shape, or too faint to be read. */
  readonly 'theme-warning': { readonly tokens: readonly string[] };
}
export type EmbedEventName = keyof EmbedEvents;

/** From the frame to the page. */
export type FromEmbed =
  /** The frame's code runs and has found the page around it among those listed. */
  | { readonly type: 'here' }
  /** There is no such session any more: only a new frame can go on. */
  | { readonly type: 'ended' }
  /** The new session is somebody else's: only a new frame can show it. */
  | { readonly type: 'restart' }
  /** The reader asked to go on after the end. */
  | { readonly type: 'reload' }
  /** `scheme` is what is shown now, which the frame's element has to have too. */
  | { readonly type: 'scheme'; readonly scheme: 'light' | 'dark' }
  | {
      [Name in EmbedEventName]: { readonly type: 'event'; readonly name: Name; readonly detail: EmbedEvents[Name] };
    }[EmbedEventName];

/** Id and token of a `session`; null for what has another form. Pure. */
export function splitSession(session: string): { readonly id: string; readonly token: string } | null {
  const [, id, token] = /^([A-Za-z0-9_]{1,80})\.([A-Za-z0-9_]{1,200})$/.exec(session) ?? [];
  return id === undefined || token === undefined ? null : { id, token };
}
