import { ApiError } from '@ownkey/sdk/api-error';
import { describe, expect, it } from 'vitest';
import { createTexts } from '../../i18n/start.ts';
import { slugOf } from './custom-provider.ts';
import { lastDays } from './last-days.ts';
import { connectOutcome, rejection } from './outcome.ts';
import { sampleKey } from './sample-key.ts';
import { shownSteps } from './steps.ts';

const { t } = createTexts('en');

describe('steps of a test', () => {
  const states = (steps: ReturnType<typeof shownSteps>) => steps.map((step) => step.state);
  it('begin with sealing, before anything is sent', () => {
    expect(states(shownSteps(false, [], false))).toEqual(['running', 'waiting', 'waiting', 'waiting', 'waiting']);
  });

  it('show the next step as running until the worker reports it', () => {
    const steps = shownSteps(true, [{ step: 'shape', state: 'done', ms: 1 }], false);
    expect(states(steps)).toEqual(['done', 'done', 'running', 'waiting', 'waiting']);
  });

  it('run no step after the end', () => {
    const steps = shownSteps(true, [{ step: 'list', state: 'done', ms: 212, detail: { models: 42 } }], true);
    expect(states(steps)).not.toContain('running');
    expect(steps[2]).toEqual({ id: 'list', state: 'done', ms: 212, models: 42 });
  });
});

describe('what connecting came to', () => {
  it.each([
    ['valid', 'good', 'Acme AI is connected. New requests use your key ••••1a2b from now on.'],
    [
      'no_credit',
      'warn',
      'Saved. Acme AI accepts the key, but its account has no credit: “empty” (402). Add credit, then test.',
    ],
    [
      'pending',
      'warn',
      'Saved as pending. Acme AI did not answer in time. Test it again when it answers; requests use it meanwhile.',
    ],
  ] as const)('is said for %s', (status, tone, text) => {
    const detail = { provider_message: 'empty', http_status: 402 };
    expect(connectOutcome(sampleKey({ status, status_detail: detail }), 'Acme AI', t)).toEqual({ tone, text });
  });

  it('shows no part of a short key', () => {
    expect(connectOutcome(sampleKey({ last4: null }), 'Acme AI', t).text).toBe(
      'Acme AI is connected. New requests use your key from now on.',
    );
  });
});

describe('a rejected key', () => {
  const error = (code: string, facts: Record<string, unknown>) =>
    new ApiError({ status: 422, code, requestId: null, problem: { title: '', detail: null, facts } });
  it('is told in the words of the provider', () => {
    expect(
      rejection(error('key.rejected', { provider_message: 'Wrong', probe: { status_detail: { http_status: 401 } } })),
    ).toBe(': “Wrong” (401)');
    expect(rejection(error('key.rejected', {}))).toBe('');
  });

  it('is not what other errors are', () => {
    expect(rejection(error('internal', { provider_message: 'Wrong' }))).toBeNull();
    expect(rejection(new Error('x'))).toBeNull();
  });
});

it.each([
  ['My Lab 2', 'my-lab-2'],
  ['  Élan!! ', 'e-lan'],
  ['--', ''],
  ['x'.repeat(40), 'x'.repeat(32)],
])('makes a slug of %s', (name, slug) => {
  expect(slugOf(name)).toBe(slug);
});

it('fills the days without requests, in UTC, up to today', () => {
  const now = Date.parse('2026-03-01T00:30:00+02:00');
  expect(lastDays([{ day: '2026-02-27', requests: 4 }], 3, now)).toEqual([
    { day: '2026-02-26', requests: 0 },
    { day: '2026-02-27', requests: 4 },
    { day: '2026-02-28', requests: 0 },
  ]);
});
