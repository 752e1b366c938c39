import type { CallerRequest, ProviderFailure } from '@ownkey/contract/dialect';
import type { Quirks } from '@ownkey/contract/provider';
import { describe, expect, test } from 'vitest';
import { prepareExchange } from '../exchange.ts';
import { LIMITS, requestOf, targetWith } from './native-kit.test-kit.ts';

const sent = (quirks: Quirks, body: string, extra: Partial<CallerRequest> = {}): string =>
  prepareExchange(targetWith(quirks, extra.wire), requestOf(body, extra), LIMITS).request.body.toString();

describe('a request of the same wire', () => {
  test.each<[string, Quirks, string, string]>([
    [
      'only the model',
      { stream_usage: 'always' },
      '{ "temperature" :1.0,"ü":"\\u00fc" , "model":"acme/m-1","stream":true,"unknown":{"model":"x"}}',
      '{ "temperature" :1.0,"ü":"\\u00fc" , "model":"m-1","stream":true,"unknown":{"model":"x"}}',
    ],
    ['nothing when not streaming', { stream_usage: 'yes' }, '{"model":"a/b"}', '{"model":"m-1"}'],
    [
      'a wish for usage, in front',
      { stream_usage: 'yes' },
      '{"model":"a/b","stream":true}',
      '{"stream_options":{"include_usage":true},"model":"m-1","stream":true}',
    ],
    [
      'a wish for usage beside other options',
      {},
      '{"model":"a/b","stream":true,"stream_options":{"x":1}}',
      '{"model":"m-1","stream":true,"stream_options":{"x":1,"include_usage":true}}',
    ],
    [
      'no wish for usage where it is refused',
      { stream_usage: 'refused' },
      '{"model":"a/b","stream":true}',
      '{"model":"m-1","stream":true}',
    ],
    [
      'the name of the limit, for a provider with one name',
      { token_limit_field: 'max_tokens' },
      '{"model":"a/b","max_completion_tokens" : 9}',
      '{"model":"m-1","max_tokens" : 9}',
    ],
    [
      'the name of the limit, for a reasoning family',
      { token_limit_field: 'both', reasoning_models: ['m-'] },
      '{"max_tokens":9,"model":"a/b"}',
      '{"max_completion_tokens":9,"model":"m-1"}',
    ],
    [
      'no limit twice',
      { token_limit_field: 'max_tokens' },
      '{"model":"a/b","max_completion_tokens":9,"max_tokens":8}',
      '{"model":"m-1","max_completion_tokens":9,"max_tokens":8}',
    ],
    [
      'a field of another name',
      { renamed_fields: { seed: 'random_seed' } },
      '{"model":"a/b","seed":1,"messages":[{"seed":2}]}',
      '{"model":"m-1","random_seed":1,"messages":[{"seed":2}]}',
    ],
    [
      'the role developer',
      { no_developer_role: true },
      '{"model":"a/b","messages":[{"role":"developer","content":"\\"developer\\""},{"content":"x","role": "user"}]}',
      '{"model":"m-1","messages":[{"role":"system","content":"\\"developer\\""},{"content":"x","role": "user"}]}',
    ],
    [
      'a lost signature of the first call',
      { tool_signature_filler: 'skip' },
      '{"model":"a/b","messages":[{"role":"assistant","tool_calls":[{"id":"1"},{"id":"2"}]}]}',
      '{"model":"m-1","messages":[{"role":"assistant","tool_calls":[{"id":"1","extra_content":{"google":{"thought_signature":"skip"}}},{"id":"2"}]}]}',
    ],
    [
      'reasoning of earlier turns as a part',
      { content_parts: true },
      '{"model":"a/b","messages":[{"role":"assistant","content":"hi","reasoning_content":"hm"}]}',
      '{"model":"m-1","messages":[{"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"hi"}]}]}',
    ],
  ])('changes %s', (_, quirks, body, wanted) => {
    expect(sent(quirks, body)).toBe(wanted);
  });

  test('keeps signatures that came back', () => {
    const body =
      '{"model":"a/b","messages":[{"role":"assistant","tool_calls":[{"extra_content":{"google":{"thought_signature":"real"}}}]}]}';
    expect(sent({ tool_signature_filler: 'skip' }, body)).toBe(body.replace('a/b', 'm-1'));
  });

  test('of the Messages API passes byte for byte but for the model, with its versions and betas alone', () => {
    const body = `{"model":"a/b","max_tokens":5,"stream":true,"system":[{"type":"text","text":"${'é'.repeat(100_000)}","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"developer"}]}`;
    const headers = {
      'anthropic-version': '2024-01-01',
      'anthropic-beta': 'b',
      'anthropic-dangerous': 'x',
      'x-api-key': 'k',
    };
    const { request } = prepareExchange(
      targetWith({}, 'anthropic-messages'),
      requestOf(body, { wire: 'anthropic-messages', headers }),
      LIMITS,
    );
    expect(request.body.toString()).toBe(body.replace('"a/b"', '"m-1"'));
    expect(request.path).toBe('/messages');
    expect(request.headers).toEqual({
      'content-type': 'application/json',
      accept: 'text/event-stream',
      'anthropic-version': '2024-01-01',
      'anthropic-beta': 'b',
    });
  });

  test('is written anew where its keys are written with escapes', () => {
    const parsed = { model: 'a/b', stream: true, x: 1 };
    expect(sent({}, '{"mod\\u0065l":"a/b"}', { modelRange: null, parsed, stream: true })).toBe(
      '{"model":"m-1","stream":true,"x":1,"stream_options":{"include_usage":true}}',
    );
  });

  test.each<[string, Partial<ProviderFailure>, boolean]>([
    ['names it', { status: 400, message: 'Unknown field stream_options' }, true],
    ['names it as the field at fault', { status: 422, message: 'extra', param: 'stream_options' }, true],
    ['means something else', { status: 400, message: 'bad model' }, false],
    ['is no refusal', { status: 500, message: 'stream_options' }, false],
  ])('is repeated without what was added when the refusal %s', (_, failure, isRepeated) => {
    const exchange = prepareExchange(targetWith({}), requestOf('{"model":"a/b","stream":true}'), LIMITS);
    const refusal = {
      kind: 'bad_request',
      type: null,
      code: null,
      requestId: null,
      retryAfterMs: null,
      message: '',
      status: 400,
      ...failure,
    } as ProviderFailure;
    const again = exchange.withoutAddedParameters(refusal);
    expect(again?.request.body.toString() ?? null).toBe(isRepeated ? '{"model":"m-1","stream":true}' : null);
    expect(again?.withoutAddedParameters(refusal) ?? null).toBeNull();
  });
});
