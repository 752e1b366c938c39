import type { CapChange, CapField, CapRaise, Caps, CapsBody } from '@ownkey/contract/api/money';
import { amountInField, readAmount } from '../../format/read-amount.ts';
import { CAP_FIELDS } from './cap-fields.ts';

/** Whose caps: `company`, `fallback`, `default` (users), `me`, or the id of a user. */
export type Subject = string;
export const EVERYBODY = 'default';
export const SELF = 'me';

export interface RaiseDraft {
  text: string;
  /** Days or months, this one included. */
  periods: number;
}

/** What was done to one field; what was not touched is not there. */
export interface FieldDraft {
  text?: string;
  none?: boolean;
  /** `end`: ends a raise that is active. */
  raise?: RaiseDraft | 'end' | undefined;
}

/** Everything typed and not saved. It holds only what was touched, so newer caps may be read under it. */
export interface CapsDraft {
  fields: Readonly<Record<string, FieldDraft>>;
  /** Users who get caps of their own, or lose them. */
  people: Readonly<Record<string, 'added' | 'removed'>>;
  blockUnpriced?: boolean;
}

export const EMPTY_DRAFT: CapsDraft = { fields: {}, people: {} };

/** What a field shows: as typed, else as saved. */
export interface FieldView {
  text: string;
  none: boolean;
  raise: RaiseDraft | 'end' | null;
  activeRaise: CapRaise | null;
}

export const fieldKey = (subject: Subject, field: CapField): string => `${subject} ${field}`;

export function fieldView(draft: CapsDraft, caps: Caps, subject: Subject, field: CapField, locale: string): FieldView {
  const typed = draft.fields[fieldKey(subject, field)] ?? {};
  const saved = savedAmount(caps, subject, field);
  return {
    text: typed.text ?? (saved === null ? '' : amountInField(saved, locale)),
    none: typed.none ?? saved === null,
    raise: typed.raise ?? null,
    activeRaise: caps.raises.find((raise) => raise.for === subject && raise.field === field) ?? null,
  };
}

export function touchField(draft: CapsDraft, subject: Subject, field: CapField, change: FieldDraft): CapsDraft {
  const key = fieldKey(subject, field);
  return { ...draft, fields: { ...draft.fields, [key]: { ...draft.fields[key], ...change } } };
}

/** Users with caps of their own, as saved and as drafted. */
export function peopleOf(draft: CapsDraft, caps: Caps): string[] {
  const saved = Object.keys(caps.users).filter((id) => id !== EVERYBODY);
  const added = Object.keys(draft.people).filter((id) => draft.people[id] === 'added' && !saved.includes(id));
  return [...saved, ...added].filter((id) => draft.people[id] !== 'removed');
}

export interface Change {
  /** What the API is sent: only what differs from what is saved. */
  body: CapsBody;
  dirty: boolean;
  /** Fields whose text is no amount. */
  unreadable: ReadonlySet<string>;
}

/** What saving the draft would send. `subjects`: whose fields are on show. */
export function changeOf(draft: CapsDraft, caps: Caps, subjects: readonly Subject[], locale: string): Change {
  const unreadable = new Set<string>();
  const changes = new Map<Subject, CapChange>();
  for (const subject of subjects) {
    const change = subjectChange(draft, caps, subject, locale, unreadable);
    if (change !== null) changes.set(subject, change);
  }
  const users: Record<string, CapChange | null> = {};
  const body: CapsBody = {};
  for (const [subject, change] of changes) {
    if (subject === 'company') body.company = change;
    else if (subject === 'fallback') body.fallback = change;
    else if (subject === SELF) body.me = change;
    else users[subject] = change;
  }
  for (const [id, what] of Object.entries(draft.people)) {
    if (what === 'removed' && caps.users[id] !== undefined) users[id] = null;
  }
  if (Object.keys(users).length > 0) body.users = users;
  if (draft.blockUnpriced !== undefined && draft.blockUnpriced !== caps.block_unpriced) {
    body.block_unpriced = draft.blockUnpriced;
  }
  return { body, dirty: Object.keys(body).length > 0 || unreadable.size > 0, unreadable };
}

function subjectChange(
  draft: CapsDraft,
  caps: Caps,
  subject: Subject,
  locale: string,
  unreadable: Set<string>,
): CapChange | null {
  const change: CapChange = {};
  const raise: NonNullable<CapChange['raise']> = {};
  for (const field of CAP_FIELDS) {
    const typed = draft.fields[fieldKey(subject, field)];
    if (typed === undefined) continue;
    const view = fieldView(draft, caps, subject, field, locale);
    const amount = view.none ? null : readAmount(view.text, locale);
    if (!view.none && amount === null) unreadable.add(fieldKey(subject, field));
    else if (amount !== savedAmount(caps, subject, field)) change[field] = amount;
    if (typed.raise === 'end') raise[field] = null;
    else if (typed.raise !== undefined) {
      const to = readAmount(typed.raise.text, locale);
      if (to === null) unreadable.add(`${fieldKey(subject, field)} raise`);
      else raise[field] = { to_usd: to, periods: typed.raise.periods };
    }
  }
  if (Object.keys(raise).length > 0) change.raise = raise;
  return Object.keys(change).length === 0 ? null : change;
}

function savedAmount(caps: Caps, subject: Subject, field: CapField): string | null {
  if (subject === 'company') return caps.company[field];
  if (subject === 'fallback') return caps.fallback[field];
  if (subject === SELF) return caps.me[field];
  return caps.users[subject]?.[field] ?? null;
}

/** The field that a refused member of the body stands in: `users.usr_1.raise.per_day_usd.to_usd`. */
export function fieldOfMember(member: string | null): string | null {
  const [, subject, user, field] =
    /^(?:(company|fallback|me)|users\.(.+?))\.(?:raise\.)?(per_[a-z]+_usd)/.exec(member ?? '') ?? [];
  const known = CAP_FIELDS.find((name) => name === field);
  return known === undefined ? null : fieldKey(subject ?? user ?? '', known);
}
