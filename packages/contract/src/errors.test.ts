import { describe, expect, it } from 'vitest';
import { errorHeaders, problemBody, wireErrorBody } from './error-shapes.ts';
import { ERRORS, type ErrorCode, OwnkeyError } from './errors.ts';

const codes = Object.keys(ERRORS) as ErrorCode[];

describe('error table', () => {
  it('says for every code what happened and what to do, in sentences that end', () => {
    for (const code of codes) {
      expect(ERRORS[code].message, code).toMatch(/[.}]$/);
      expect(ERRORS[code].action, code).toMatch(/[.}]$/);
      expect(ERRORS[code].status, code).toBeGreaterThanOrEqual(400);
    }
  });

  it('refuses by cap, credit, plan and price with 402 and tells clients not to repeat', () => {
    const refusals = codes.filter((code) => /^(spend|credits|plan|price)\./.test(code));
    expect(refusals.length).toBeGreaterThanOrEqual(7);
    for (const code of refusals) {
      expect(ERRORS[code].status, code).toBe(402);
      expect(errorHeaders(code, { seconds: 5 }), code).toMatchObject({ 'x-should-retry': 'false' });
      expect(errorHeaders(code, { seconds: 5 }), code).not.toHaveProperty('retry-after');
    }
  });

  it('gives a retry-after only where trying again can help', () => {
    expect(errorHeaders('rate.limited', { seconds: 7 })).toMatchObject({ 'retry-after': '7' });
    expect(errorHeaders('rate.limited', { seconds: 7 })).not.toHaveProperty('x-should-retry');
  });

  it('speaks the wire of the caller', () => {
    expect(wireErrorBody('openai-chat', 'request.invalid', { problem: 'n is 0.', param: 'n' })).toEqual({
      error: {
        message: 'n is 0. Correct n and send again.',
        type: 'invalid_request_error',
        code: 'request.invalid',
        param: 'n',
      },
    });
    expect(wireErrorBody('anthropic-messages', 'ledger.unavailable')).toMatchObject({
      type: 'error',
      error: { type: 'overloaded_error', code: 'ledger.unavailable' },
    });
  });

  it('says what stands for a fact that is not there, and keeps the fact itself null', () => {
    const facts = { provider: 'Acme', plan: 'Free', upgrade_url: null };
    expect(problemBody('plan.upgrade_required', facts, 'req_1')).toMatchObject({
      detail: 'Upgrade the plan: ask your administrator.',
      upgrade_url: null,
    });
    const sold = { ...facts, upgrade_url: 'https://example.com/upgrade' };
    expect(wireErrorBody('openai-chat', 'plan.upgrade_required', sold)).toMatchObject({
      error: {
        message: expect.stringMatching(/ Upgrade the plan: https:\/\/example\.com\/upgrade$/),
        upgrade_url: sold.upgrade_url,
      },
    });
  });

  it('uses only types that the wire knows', () => {
    const known =
      /^(invalid_request|authentication|permission|not_found|rate_limit|api|insufficient_quota|billing|overloaded|request_too_large)/;
    for (const code of codes) {
      for (const wire of ['openai-chat', 'openai-responses', 'anthropic-messages'] as const) {
        const body = wireErrorBody(wire, code) as { error: { type: string } };
        expect(body.error.type, `${wire} ${code}`).toMatch(known);
      }
    }
  });

  it('is a problem of RFC 9457 on the API', () => {
    expect(problemBody('not_found', {}, 'req_1')).toMatchObject({
      status: 404,
      code: 'not_found',
      request_id: 'req_1',
    });
  });

  it('keeps the internal text out of what callers see', () => {
    const error = new OwnkeyError('internal', {}, 'secret detail');
    expect(JSON.stringify(problemBody(error.code, error.facts, 'req_1'))).not.toContain('secret detail');
  });
});
