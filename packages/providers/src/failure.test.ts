import { join } from 'node:path';
import type { ProviderFailure } from '@ownkey/contract/dialect';
import type { Wire } from '@ownkey/contract/provider';
import { describe, expect, test } from 'vitest';
import { loadCatalogue } from './catalogue.ts';
import { classifyFailure } from './failure.ts';
import { writeError } from './write-error.ts';

const catalogue = loadCatalogue(join(import.meta.dirname, '../../../catalogue'));
const plain = { quirks: {} };
const of = (id: string) => catalogue.entries.get(id) ?? plain;

describe('a provider error', () => {
  /** Shapes without a known recording are as the providers' pages and public issue threads quote them. */
  test.each<[string, string, number, unknown, ProviderFailure['kind']]>([
    [
      'a rejected key',
      'openai',
      401,
      { error: { message: 'Incorrect API key', code: 'invalid_api_key' } },
      'key_rejected',
    ],
    [
      'a restricted key',
      'openai',
      401,
      { error: { message: 'You have insufficient permissions for this operation. Missing scopes: model.request.' } },
      'key_restricted',
    ],
    ['a restricted key, 403', 'openai', 403, { error: { message: 'x', code: 'missing_scope' } }, 'key_restricted'],
    [
      'no credit',
      'openai',
      429,
      { error: { message: 'You exceeded your current quota', type: 'insufficient_quota' } },
      'no_credit',
    ],
    [
      'no credit, newer',
      'openai',
      429,
      { error: { message: 'You have no credits remaining.', code: 'credit_balance_exhausted' } },
      'no_credit',
    ],
    [
      'a rate limit',
      'openai',
      429,
      { error: { message: 'Rate limit reached', code: 'rate_limit_exceeded' } },
      'rate_limited',
    ],
    [
      'a prompt for no minute',
      'openai',
      429,
      { error: { message: 'Request too large for m on tokens per min', code: 'rate_limit_exceeded' } },
      'too_large',
    ],
    [
      'no credit',
      'anthropic',
      400,
      {
        type: 'error',
        error: {
          type: 'invalid_request_error',
          message: 'Your credit balance is too low to access the Anthropic API.',
        },
      },
      'no_credit',
    ],
    [
      'a restricted key',
      'anthropic',
      403,
      { type: 'error', error: { type: 'permission_error', message: 'No' } },
      'key_restricted',
    ],
    [
      'overload',
      'anthropic',
      529,
      { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
      'outage',
    ],
    [
      'a bad request',
      'anthropic',
      400,
      { type: 'error', error: { type: 'invalid_request_error', message: 'max_tokens' } },
      'bad_request',
    ],
    [
      'a rejected key as 400 in a list',
      'gemini',
      400,
      [
        {
          error: { code: 400, message: 'API key not valid. Please pass a valid API key.', status: 'INVALID_ARGUMENT' },
        },
      ],
      'key_rejected',
    ],
    [
      'a blocked API',
      'gemini',
      403,
      [{ error: { code: 403, message: 'Requests are blocked.', status: 'PERMISSION_DENIED' } }],
      'key_restricted',
    ],
    [
      'an ordinary 400',
      'gemini',
      400,
      [{ error: { code: 400, message: 'Bad role', status: 'INVALID_ARGUMENT' } }],
      'bad_request',
    ],
    [
      'a rejected key as 400 beside a code',
      'xai',
      400,
      { code: 'Client specified an invalid argument', error: 'Incorrect API key provided: in***ey.' },
      'key_rejected',
    ],
    [
      'no credit as 403',
      'xai',
      403,
      { code: 'x', error: 'Your team has either used all available credits or reached its monthly spending limit.' },
      'no_credit',
    ],
    [
      'no balance',
      'deepseek',
      402,
      { error: { message: 'Insufficient Balance', type: 'unknown_error', code: 'invalid_request_error' } },
      'no_credit',
    ],
    [
      'no credit',
      'openrouter',
      402,
      { error: { message: 'This request requires more credits', code: 402 } },
      'no_credit',
    ],
    [
      'a used up key',
      'openrouter',
      403,
      { error: { message: 'Key limit exceeded (total limit).', code: 403 } },
      'no_credit',
    ],
    ['an unwrapped error', 'mistral', 401, { message: 'Unauthorized', request_id: 'r' }, 'key_rejected'],
    ['an error as detail', 'mistral', 401, { detail: 'Invalid API Key' }, 'key_rejected'],
    [
      'a web page',
      'perplexity',
      401,
      '<html><head><title>401 Authorization Required</title></head></html>',
      'key_rejected',
    ],
    ['a text', 'anthropic', 503, 'upstream connect error', 'outage'],
    ['nothing', 'groq', 500, '', 'outage'],
    ['null', 'groq', 502, null, 'outage'],
    ['a deep and odd value', 'groq', 400, { error: { message: { text: 'x' }, type: 7 } }, 'bad_request'],
    ['a model that is not there', 'openai', 400, { error: { message: 'x', code: 'model_not_found' } }, 'not_found'],
    ['refused content', 'openai', 400, { error: { message: 'x', code: 'content_policy_violation' } }, 'refused'],
    ['a time-out', 'groq', 408, {}, 'outage'],
    ['a body too large', 'anthropic', 413, { error: { type: 'request_too_large', message: 'x' } }, 'too_large'],
  ])('%s of %s', (_, id, status, body, kind) => {
    const failure = classifyFailure(of(id), status, {}, typeof body === 'string' ? body : JSON.stringify(body));
    expect(failure).toMatchObject({ kind, status });
    expect(failure.message).not.toBe('');
    expect(failure.message).not.toMatch(/[<>{]/);
  });

  test('has words that a database takes, however long and odd the provider’s are', () => {
    const odd = 'a\0b\ud800c';
    const body = { request_id: odd, error: { message: odd, type: odd, code: odd, param: odd + 'x'.repeat(1_000) } };
    const clean = 'a\uFFFDb\uFFFDc';
    const { message, type, code, param, requestId } = classifyFailure(plain, 400, {}, JSON.stringify(body));
    expect([message, type, code, requestId]).toEqual([clean, clean, clean, clean]);
    expect(param).toBe((clean + 'x'.repeat(1_000)).slice(0, 500));
  });

  test.each<[string, unknown, number]>([
    ['a status of its own', { error: { message: 'x', status_code: 418 } }, 418],
    ['a code that is one', { error: { message: 'x', code: 429 } }, 429],
    ['a known type', { error: { message: 'x', type: 'overloaded_error' } }, 529],
    ['a known code', { error: { message: 'x', code: 'rate_limit_exceeded' } }, 429],
    ['nothing to go by', { error: 'No' }, 502],
  ])('inside an answer has the status of %s', (_, body, status) => {
    expect(classifyFailure(plain, 200, {}, body).status).toBe(status);
  });

  test.each<[Record<string, string>, unknown, number | null]>([
    [{ 'retry-after': '3' }, {}, 3000],
    [{ 'retry-after': '0.5' }, {}, 500],
    [{ 'retry-after-ms': '1200', 'retry-after': '9' }, {}, 1200],
    [{ 'retry-after': 'Wed, 21 Oct 2026 07:28:10 GMT', date: 'Wed, 21 Oct 2026 07:28:00 GMT' }, {}, 10_000],
    [{ 'retry-after': 'Wed, 21 Oct 2026 07:28:10 GMT' }, {}, null],
    [{ 'retry-after': 'soon' }, {}, null],
    [{ 'retry-after': '999999999' }, {}, 86_400_000],
    [{}, { error: { details: [{ retryDelay: '21.86s' }] } }, 21_860],
    [{}, { error: { details: [{ retryDelay: '99999999999999999999s' }] } }, 86_400_000],
    [{}, {}, null],
  ])('with %j %j waits %j ms', (headers, body, wait) => {
    expect(classifyFailure(plain, 429, headers, body).retryAfterMs).toBe(wait);
  });

  test('is not a rate limit where the provider says that waiting does not help', () => {
    expect(classifyFailure(plain, 429, { 'x-should-retry': 'false' }, {}).kind).toBe('too_large');
    expect(classifyFailure(plain, 429, { 'x-should-retry': 'false', 'retry-after': '1' }, {}).kind).toBe(
      'rate_limited',
    );
  });

  test("tells the upstream's own words and the id for support", () => {
    const body = { error: { message: 'Provider returned error', metadata: { raw: 'too many' } } };
    expect(classifyFailure(plain, 429, { 'request-id': 'r1' }, body)).toMatchObject({
      message: 'Provider returned error: too many',
      requestId: 'r1',
    });
  });

  test('is at most 2,000 characters long', () => {
    expect(classifyFailure(plain, 400, {}, 'x'.repeat(99_999)).message).toHaveLength(2_000);
  });
});

describe('an error for a caller', () => {
  const failure: ProviderFailure = {
    kind: 'rate_limited',
    status: 429,
    type: 'tokens',
    code: 'c',
    param: 'p',
    message: 'key sk-secret',
    requestId: 'r',
    retryAfterMs: null,
  };
  const scrub = (text: string) => text.replace('sk-secret', '[key]');

  test.each<[Wire, unknown]>([
    ['openai-chat', { error: { message: 'key [key]', type: 'tokens', param: 'p', code: 'c' } }],
    ['openai-responses', { error: { message: 'key [key]', type: 'tokens', param: 'p', code: 'c' } }],
    [
      'anthropic-messages',
      { type: 'error', error: { type: 'rate_limit_error', message: 'key [key]', code: 'c' }, request_id: 'r' },
    ],
  ])('of %s has its shape and is scrubbed', (wire, wanted) => {
    expect(JSON.parse(writeError(wire, failure, scrub).toString())).toEqual(wanted);
  });

  test.each([
    [400, 'billing_error', 'billing_error'],
    [400, 'odd', 'invalid_request_error'],
    [401, 'invalid_request_error', 'authentication_error'],
    [404, 'invalid_request_error', 'not_found_error'],
    [422, null, 'invalid_request_error'],
    [500, 'server_error', 'api_error'],
    [529, 'overloaded_error', 'overloaded_error'],
  ])('of the Messages API with status %i and type %j is a %s', (status, type, wanted) => {
    const body = JSON.parse(writeError('anthropic-messages', { ...failure, status, type }).toString());
    expect(body.error.type).toBe(wanted);
  });
});
