import type { Caps } from '@ownkey/contract/api/money';
import { describe, expect, it } from 'vitest';
import { type CapsDraft, changeOf, EMPTY_DRAFT, fieldOfMember, fieldView, peopleOf, touchField } from './caps-draft.ts';

const none = { per_request_usd: null, per_day_usd: null, per_month_usd: null };
const caps: Caps = {
  company: { per_request_usd: '10', per_day_usd: '10', per_month_usd: null },
  users: { default: none, usr_1: { ...none, per_day_usd: '2' } },
  fallback: none,
  me: none,
  in_force: { company: none, me: none, fallback: none },
  preset_fields: [],
  raises: [
    { for: 'company', field: 'per_day_usd', base_usd: '10', to_usd: '20', from: '2026-11-20', until: '2026-11-22' },
  ],
  policy: { preset: none, max: none, required: false },
  block_unpriced: false,
  changed_at: null,
  changed_by: null,
  etag: '"1"',
};
const SUBJECTS = ['company', 'default', 'usr_1', 'usr_2', 'fallback', 'me'];
const change = (draft: CapsDraft) => changeOf(draft, caps, SUBJECTS, 'en');

describe('the draft of caps', () => {
  it('sends nothing while nothing differs from what is saved', () => {
    expect(change(EMPTY_DRAFT)).toMatchObject({ body: {}, dirty: false });
    expect(change(touchField(EMPTY_DRAFT, 'company', 'per_day_usd', { text: '10,0' }))).toMatchObject({
      body: {},
      dirty: false,
    });
  });

  it('sends what was touched alone, as the amount it was read as', () => {
    let draft = touchField(EMPTY_DRAFT, 'company', 'per_day_usd', { text: '12,5' });
    draft = touchField(draft, 'company', 'per_request_usd', { none: true });
    draft = touchField(draft, 'usr_2', 'per_month_usd', { none: false, text: '1,000' });
    draft = touchField(draft, 'me', 'per_day_usd', { none: false, text: '0' });
    draft = { ...draft, people: { usr_1: 'removed' }, blockUnpriced: true };
    expect(change(draft).body).toEqual({
      company: { per_day_usd: '12.5', per_request_usd: null },
      users: { usr_2: { per_month_usd: '1000' }, usr_1: null },
      me: { per_day_usd: '0' },
      block_unpriced: true,
    });
  });

  it('sends a raise beside the cap, and the end of one', () => {
    let draft = touchField(EMPTY_DRAFT, 'company', 'per_day_usd', { raise: 'end' });
    draft = touchField(draft, 'fallback', 'per_month_usd', { raise: { text: '50', periods: 3 } });
    expect(change(draft).body).toEqual({
      company: { raise: { per_day_usd: null } },
      fallback: { raise: { per_month_usd: { to_usd: '50', periods: 3 } } },
    });
  });

  it('names what cannot be read, and keeps it unsent', () => {
    let draft = touchField(EMPTY_DRAFT, 'company', 'per_day_usd', { text: 'ten' });
    draft = touchField(draft, 'company', 'per_month_usd', { raise: { text: '', periods: 1 } });
    const { body, unreadable, dirty } = change(draft);
    expect(body).toEqual({});
    expect(dirty).toBe(true);
    expect([...unreadable]).toEqual(['company per_day_usd', 'company per_month_usd raise']);
  });

  it('keeps what was typed when newer caps are read under it', () => {
    const draft = touchField(EMPTY_DRAFT, 'company', 'per_day_usd', { text: '12' });
    const newer = { ...caps, company: { ...caps.company, per_day_usd: '50', per_request_usd: '7' } };
    expect(fieldView(draft, newer, 'company', 'per_day_usd', 'en').text).toBe('12');
    expect(fieldView(draft, newer, 'company', 'per_request_usd', 'en').text).toBe('7.00');
  });

  it('shows people with caps of their own, those who get them, and not those who lose them', () => {
    expect(peopleOf({ ...EMPTY_DRAFT, people: { usr_2: 'added' } }, caps)).toEqual(['usr_1', 'usr_2']);
    expect(peopleOf({ ...EMPTY_DRAFT, people: { usr_1: 'removed' } }, caps)).toEqual([]);
  });
});

it.each([
  ['company.per_day_usd', 'company per_day_usd'],
  ['users.usr_1.per_month_usd', 'usr_1 per_month_usd'],
  ['users.a.b.raise.per_day_usd.to_usd', 'a.b per_day_usd'],
  ['me.per_request_usd', 'me per_request_usd'],
  ['block_unpriced', null],
  ['company.per_year_usd', null],
  [null, null],
])('finds the field of the refused member %s', (member, key) => {
  expect(fieldOfMember(member)).toBe(key);
});
