import { beforeEach, describe, expect, test } from 'vitest';
import { Circuits } from './circuit.ts';

let now = 0;
let circuits: Circuits;
const key = { id: 'key_a', version: 1, status: 'valid' as const, testedAt: '2026-05-10T08:00:00Z' };
beforeEach(() => {
  now = 1_000_000;
  circuits = new Circuits(() => now);
});

describe('a key that fails', () => {
  test.each(['key_rejected', 'no_credit', 'rate_limited'] as const)('by %s rests at once', (reason) => {
    circuits.failed(key, reason, null);
    expect(circuits.resting(key)).toBe(reason);
  });

  test.each(['outage', 'time_out'] as const)(
    'by %s is tried again until it happened three times in a row',
    (reason) => {
      for (let times = 1; times < 3; times++) {
        circuits.failed(key, reason, null);
        expect([times, circuits.resting(key)]).toEqual([times, null]);
      }
      circuits.failed(key, reason, null);
      expect(circuits.resting(key)).toBe(reason);
    },
  );

  test('is tried by one call once its rest is over, and by nobody else until that call has ended', () => {
    circuits.failed(key, 'key_rejected', null);
    now += 15_000;
    expect([circuits.resting(key), circuits.resting(key), circuits.resting(key)]).toEqual([
      null,
      'key_rejected',
      'key_rejected',
    ]);
  });

  test('is tried again when the call that tried it never came back', () => {
    circuits.failed(key, 'key_rejected', null);
    now += 15_000;
    circuits.resting(key);
    now += 10_000;
    expect(circuits.resting(key)).toBeNull();
  });

  test('rests twice as long with each failure, up to ten minutes', () => {
    const rests: number[] = [];
    for (let times = 0; times < 10; times++) {
      circuits.failed(key, 'no_credit', null);
      const start = now;
      while (circuits.resting(key) !== null) now += 1_000;
      rests.push((now - start) / 1_000);
    }
    expect(rests).toEqual([15, 30, 60, 120, 240, 480, 600, 600, 600, 600]);
  });

  test('rests as long as the provider’s limit lasts, and not longer than ten minutes', () => {
    circuits.failed(key, 'rate_limited', 60_000);
    now += 59_999;
    expect(circuits.resting(key)).toBe('rate_limited');
    now += 1;
    expect(circuits.resting(key)).toBeNull();
    circuits.failed(key, 'rate_limited', 24 * 3_600_000);
    now += 600_000;
    expect(circuits.resting(key)).toBeNull();
  });

  test('does not rest longer because calls that were already running fail too', () => {
    circuits.failed(key, 'key_rejected', null);
    for (let late = 0; late < 50; late++) circuits.failed(key, 'key_rejected', null);
    now += 15_000;
    expect(circuits.resting(key)).toBeNull();
  });

  test('is another one after it was replaced', () => {
    circuits.failed(key, 'key_rejected', null);
    expect(circuits.resting({ ...key, version: 2 })).toBeNull();
  });

  test('is tried at once when its status got better meanwhile: somebody tested it', () => {
    circuits.failed(key, 'key_rejected', null);
    expect(circuits.resting({ ...key, status: 'invalid' })).toBe('key_rejected');
    expect(circuits.resting({ ...key, status: 'valid' })).toBeNull();
    expect(circuits.isFailing(key)).toBe(false);
  });
});

test('a test that found the key well ends its rest, also where its status never said that it fails', () => {
  circuits.failed(key, 'key_rejected', null);
  expect(circuits.resting(key)).toBe('key_rejected');
  expect(circuits.resting({ ...key, testedAt: '2026-05-10T08:00:09Z' })).toBeNull();
});

describe('a good answer', () => {
  test('ends the rest', () => {
    circuits.failed(key, 'key_rejected', null);
    now += 15_000;
    const startedAt = now;
    expect(circuits.worked(key, startedAt)).toBe(true);
    expect(circuits.resting(key)).toBeNull();
  });

  test('to a call that began before the failure proves nothing', () => {
    const startedAt = now;
    now += 5;
    circuits.failed(key, 'key_rejected', null);
    expect(circuits.worked(key, startedAt)).toBe(false);
    expect(circuits.resting(key)).toBe('key_rejected');
  });

  test('while the provider still limits the key does not end it', () => {
    circuits.failed(key, 'rate_limited', 60_000);
    now += 1_000;
    expect(circuits.worked(key, now)).toBe(false);
    now += 59_000;
    expect(circuits.worked(key, now)).toBe(true);
  });

  test('on a key that nobody saw failing ends nothing', () => {
    expect(circuits.worked(key, now)).toBe(false);
  });
});
