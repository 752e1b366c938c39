import { describe, expect, it } from 'vitest';
import { ID_PREFIXES, type IdKind, isId, newId } from './ids.ts';

const kinds = Object.keys(ID_PREFIXES) as IdKind[];

describe('ids', () => {
  it.each(kinds)('makes a %s id that is recognised as one and as no other kind', (kind) => {
    const id = newId(kind);
    expect(isId(kind, id)).toBe(true);
    expect(kinds.filter((other) => isId(other, id))).toEqual([kind]);
  });

  it('sorts ids by the time they were made', () => {
    const times = [0, 1, 31, 32, 1_700_000_000_000, 1_700_000_000_001, 4_000_000_000_000];
    const ids = times.map((time) => newId('request', time));
    expect([...ids].sort()).toEqual(ids);
  });

  it('does not make the same id twice in one millisecond', () => {
    expect(new Set(Array.from({ length: 5000 }, () => newId('key', 1))).size).toBe(5000);
  });

  it.each(['', 'req_', 'key_1', 'req_ilou0000000000000000000000', `req_${'0'.repeat(27)}`, `REQ_${'0'.repeat(26)}`])(
    'does not take %j for a request id',
    (text) => expect(isId('request', text)).toBe(false),
  );
});
