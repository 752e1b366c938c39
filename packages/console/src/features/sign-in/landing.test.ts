import { describe, expect, it } from 'vitest';
import { landingOf } from './landing.ts';

const base = { id: 'usr_1', email: null, name: null } as const;
const admin = { ...base, kind: 'user', role: 'admin', company: { id: 'co_1', name: 'Acme', plan: 'pro' } } as const;
const operator = { ...base, kind: 'operator', role: 'operator', company: null } as const;

describe('landing after sign-in', () => {
  it.each([
    [admin, undefined, '/c/co_1/keys'],
    [admin, '/c/co_1/audit?kind=call', '/c/co_1/audit?kind=call'],
    [admin, '/c/co_2/keys', '/c/co_1/keys'],
    [admin, '/c/co_12/keys', '/c/co_1/keys'],
    [admin, 'https://elsewhere.example/c/co_1/', '/c/co_1/keys'],
    [admin, '//elsewhere.example/', '/c/co_1/keys'],
    [admin, '/operator/companies', '/c/co_1/keys'],
    [operator, undefined, '/operator/companies'],
    [operator, '/operator/companies?q=a', '/operator/companies?q=a'],
    [operator, '/c/co_1/keys', '/operator/companies'],
  ])('%#: never leaves the rooms of the account', (user, to, landing) => {
    expect(landingOf(user, to)).toBe(landing);
  });
});
