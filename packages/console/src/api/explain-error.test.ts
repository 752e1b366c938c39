import { ApiError, ConnectionError, toApiError } from '@ownkey/sdk/api-error';
import { describe, expect, it } from 'vitest';
import { createTexts } from '../i18n/start.ts';
import { explainError, isConflict } from './explain-error.ts';
import { FieldError } from './field-error.ts';

const { t } = createTexts('en');

describe('what people read of a failure', () => {
  it("keeps the API's sentence, its advice, the code and the request id", () => {
    const error = toApiError(
      409,
      { title: 'Ana changed this.', detail: 'Apply it again.', code: 'conflict.changed', request_id: 'req_1' },
      null,
    );
    expect(explainError(error, t)).toEqual({
      text: 'Ana changed this.',
      action: 'Apply it again.',
      code: 'conflict.changed',
      requestId: 'req_1',
    });
    expect(isConflict(error)).toBe(true);
  });

  it('has one text for both wrong cases of a sign-in, and tells how long to wait', () => {
    expect(explainError(toApiError(401, { code: 'auth.wrong_password' }, null), t).text).toBe(
      'Email or password is not right.',
    );
    const locked = explainError(toApiError(429, { code: 'auth.too_many_tries', seconds: 42 }, null), t);
    expect(locked.text).toBe('Too many tries. Wait 42 s or reset your password.');
  });

  it('reads an answer that is not ours by its status alone', () => {
    const explained = explainError(toApiError(502, '<html>', 'req_2'), t);
    expect(explained.code).toBe('internal');
    expect(explained.requestId).toBe('req_2');
    expect(explained.text).not.toContain('<');
  });

  it('tells a lost connection, a page that may not encrypt and a mistake of the page apart', () => {
    expect(explainError(new ConnectionError('x'), t).code).toBe('connection');
    expect(explainError(new FieldError('insecure_context'), t).text).toContain('https://');
    expect(explainError(new TypeError('secret detail'), t)).toMatchObject({ code: 'console', requestId: null });
    expect(JSON.stringify(explainError(new TypeError('secret detail'), t))).not.toContain('secret');
  });

  it('takes nothing but our conflict for one', () => {
    expect(
      isConflict(
        new ApiError({
          status: 409,
          code: 'slug.taken',
          requestId: null,
          problem: { title: '', detail: null, facts: {} },
        }),
      ),
    ).toBe(false);
  });
});
