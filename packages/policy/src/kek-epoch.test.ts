import { expect, test } from 'vitest';
import { epochOf } from './kek-epoch.ts';

const day = (n: number) => new Date(Date.UTC(2026, 0, 1 + n));
const rules = { epochDays: 30, backupDays: 14 };

test('a key removed now is unreadable once its master key was replaced and then kept as long as backups are', () => {
  const epoch = epochOf({ currentSince: day(0), replaced: [] }, rules, day(10));
  expect(epoch).toEqual({ endsAt: day(30), destroyBy: null, isOverdue: false, unreadableBy: day(44) });
});

test.each([
  ['the rotation is overdue', { currentSince: day(0), replaced: [] }, day(31)],
  ['a replaced master key should be destroyed by now', { currentSince: day(20), replaced: [day(20), day(1)] }, day(21)],
])('no date is promised while %s', (_name, state, now) => {
  expect(epochOf(state, rules, now)).toMatchObject({ isOverdue: true, unreadableBy: null });
});

test.each([
  ['before a worker has started', { currentSince: null, replaced: [] }, rules],
  ['where the operator rotates by no plan', { currentSince: day(0), replaced: [day(0)] }, { ...rules, epochDays: 0 }],
])('no date is promised %s', (_name, state, given) => {
  expect(epochOf(state, given, day(100))).toEqual({
    endsAt: null,
    destroyBy: null,
    isOverdue: false,
    unreadableBy: null,
  });
});
