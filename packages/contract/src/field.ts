/**
 * The secure field: a frame of the worker's origin into which people paste keys, and what it and the page around it say to each
 * other. The page posts one `FieldHello` with a port to the frame's window; everything else goes through that port. Nothing here
 * can hold a key or a part of it, and the frame takes nothing else (docs/secure-field.md).
 */
import type { KeyShape } from './provider.ts';

/** The frame's page on the gateway's origin; everything it loads lies beneath. */
export const FIELD_PATH = '/field';

export const FIELD_PROTOCOL = 1;

/** What a key that is pasted now will be sealed for, and which the frame says in its own words. */
export interface FieldPlace {
  readonly company: string;
  /** The owner of a personal key; null for a key of the company. */
  readonly user: string | null;
  readonly provider: string;
  readonly destination: string;
}

/** Colours and sizes that a page may set, by CSS variable. Colours as `#rrggbb`, lengths as `<n>px`. Status colours are fixed. */
export const FIELD_COLOURS = [
  '--oky-surface',
  '--oky-sunken',
  '--oky-text',
  '--oky-text-2',
  '--oky-border-strong',
  '--oky-ink',
] as const;
export const FIELD_LENGTHS = { '--oky-radius': { min: 0, max: 16 }, '--oky-text-size': { min: 13, max: 18 } } as const;

export interface FieldLook {
  readonly scheme: 'light' | 'dark';
  readonly tokens?: Readonly<Record<string, string>>;
}

/** The first message, with the port. */
export interface FieldHello {
  readonly ownkey: 'field';
  readonly v: typeof FIELD_PROTOCOL;
  /** What the input is called, at most `FIELD_LABEL_MAX` characters. */
  readonly label: string;
  readonly look: FieldLook;
  /** null: not known yet; nothing can be pasted until it is. */
  readonly place: FieldPlace | null;
}

export const FIELD_LABEL_MAX = 80;

/** From the page to the frame. `id` is answered with the same `id`. */
export type ToField =
  | { readonly type: 'place'; readonly place: FieldPlace | null }
  | { readonly type: 'look'; readonly look: FieldLook }
  | { readonly type: 'label'; readonly label: string }
  | { readonly type: 'focus' }
  | { readonly type: 'clear' }
  | { readonly type: 'disable'; readonly disabled: boolean }
  /** Marks what was pasted before as refused, until something else is. */
  | { readonly type: 'invalid' }
  /** Takes the key although its form is another provider's, until it is changed. */
  | { readonly type: 'accept-form' }
  | { readonly type: 'check'; readonly id: number }
  | {
      readonly type: 'seal';
      readonly id: number;
      readonly place: FieldPlace;
      readonly key_id: string;
      readonly version: number;
    };

/** What the form check says; `provider` is named for `other_provider` alone. */
export type FieldForm =
  | { readonly state: 'empty' | 'ok' | 'unknown' | 'cleared' }
  | { readonly state: 'wrong'; readonly problem: string; readonly provider: string | null };

/** Whether all of the field is in sight. Where a browser cannot tell what lies over it, `covered` is never said. */
export type FieldSight = 'seen' | 'covered' | 'clipped';

/** Why nothing was sealed. */
export type FieldProblem =
  | 'form'
  | 'busy'
  | 'other_place'
  | 'vault_changed'
  | 'unreachable'
  | 'insecure_context'
  | 'public_key'
  | 'context';

/** From the frame to the page. */
export type FromField =
  | { readonly type: 'ready'; readonly fingerprint: string }
  /** The worker did not answer what the frame asked; it stays as it is. */
  | { readonly type: 'failed'; readonly problem: FieldProblem }
  | { readonly type: 'form'; readonly form: FieldForm }
  | { readonly type: 'focus' }
  /** `towards`: where Tab went. */
  | { readonly type: 'blur'; readonly towards: 'next' | 'previous' | null }
  | { readonly type: 'submit' }
  | { readonly type: 'escape' }
  | { readonly type: 'resize'; readonly height: number }
  | { readonly type: 'sight'; readonly sight: FieldSight }
  /** Tokens that were not taken: unknown, of another shape, or too faint to be read. */
  | { readonly type: 'theme-warning'; readonly tokens: readonly string[] }
  | { readonly type: 'checked'; readonly id: number; readonly form: FieldForm }
  | { readonly type: 'sealed'; readonly id: number; readonly sealed_key: string; readonly fingerprint: string }
  | { readonly type: 'refused'; readonly id: number; readonly problem: FieldProblem };

/** `GET /field/sealing-key`: the worker's own key, never the control plane's word for it. */
export interface FieldSealingKey {
  readonly kid: string;
  readonly public_key: string;
  readonly fingerprint: string;
  /** Unix seconds. */
  readonly server_time: number;
}

/** `GET /field/providers`: how keys look, and where the worker would send them. */
export interface FieldProvider {
  readonly id: string;
  readonly name: string;
  /** Host, with its port where it is not the usual one. */
  readonly host: string;
  readonly key: Pick<KeyShape, 'prefixes' | 'shared_prefixes' | 'min_length'>;
}
