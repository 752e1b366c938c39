import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createScrubber, SCRUB_CHARACTERS_MAX } from './scrub.ts';

const { scrubText, scrubValue } = createScrubber();
const KEY = 'sk-ant-api03-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789';

describe('texts without secrets', () => {
  it.each([
    'req 7b1f6f0e-6a6b-4d6e-8f0e-2a0f5f0a2b11 took 12ms',
    'model acme-4o-mini-2024-07-18 tokens 812',
    'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'commit 3f2a9c1d4e5b6a7980f1e2d3c4b5a69788776655',
    'task-runner-started-with-id-1234567890abcdef',
    'disk-usage-report-for-node-abcdefghijklmnopqrst',
    'risk-assessment-for-quarter-four-of-2025',
    'desk-booking-confirmation-number-000123456789',
    'https://api.example.com/v1/models?limit=20&after=mod_123456789',
    'chatcmpl-9aBcDeFgHiJkLmNoPqRsTuVwXyZ01',
    'msg_01XFDUDYJgAACzvnptvVoYEL',
    'key_01jd3x8k2mabcdefghjkmnpqrs of co_01jd3x8k2mabcdefghjkmnpqrs',
    'monkey: banana',
    'keyboard layout, turkey sandwich, key: value',
    'provider key ending in 4x9Z was tested',
    'basic auth is off',
    'Bearer token missing',
    'the secret, however, is out',
    'Kodek, abcdefgh and index: 12345678',
    'sk-learn-is-a-library-for-machine-learning',
    'hf_transformers_pipeline_for_text_generation',
    'fw_update_scheduled_for_tomorrow_morning',
    'see https://example.com:8443/a@b',
    'mailto someone@example.com at 10:30',
    '{"input_tokens":812,"max_tokens":1024,"token_limit_field":"max_tokens"}',
    'fingerprint 4F2A-91CC-0B1D-77E3',
    'x: "sk-…" is what keys look like',
  ])('stay as they are: %s', (line) => {
    expect(scrubText(line)).toBe(line);
  });
});

describe('scrubbing a text', () => {
  it.each([
    [`key ${KEY}.`, 'key [sk-ant-…redacted].'],
    [`"${KEY}"`, '"[sk-ant-…redacted]"'],
    ['authorization: Bearer abcdefghijkl', 'authorization: Bearer [redacted]'],
    ['{"x-api-key":"abcdefghijkl","model":"m"}', '{"x-api-key":"[redacted]","model":"m"}'],
    ["['x-api-key', 'abcdefghijkl']", "['x-api-key', '[redacted]']"],
    ['https://h/?key=abcdefghijkl&alt=sse', 'https://h/?key=[redacted]&alt=sse'],
    ['postgres://role:p4ss@db/ownkey', 'postgres://role:[redacted]@db/ownkey'],
    ['password=hunter2!', 'password=[redacted]'],
    ['ACME_API_KEY=abcdefghijkl', 'ACME_API_KEY=[redacted]'],
  ])('keeps everything around the secret: %s', (text, expected) => {
    expect(scrubText(text)).toBe(expected);
  });

  it('changes nothing the second time', () => {
    const texts = [
      `Authorization: Bearer ${KEY}`,
      `{"api_key":"${KEY}"}`,
      `https://u:${KEY}@h/?key=${KEY}`,
      `X_KEY=${KEY} ${KEY}`,
    ];
    for (const text of texts) expect(scrubText(scrubText(text))).toBe(scrubText(text));
  });

  it('leaves JSON that can still be read', () => {
    const line = JSON.stringify({
      authorization: `Bearer ${KEY}`,
      url: `http://x:1`,
      mail: 'c@d',
      nested: JSON.stringify({ api_key: KEY }),
      list: ['x-api-key', KEY],
    });
    const read: unknown = JSON.parse(scrubText(line));
    expect(JSON.stringify(read)).not.toContain('AbCdEf');
    expect(read).toMatchObject({ url: 'http://x:1', mail: 'c@d' });
  });

  it('cuts what is longer than 16 KB, and never in the middle of a key', () => {
    for (let shift = 0; shift < 60; shift++) {
      const text = `${'x '.repeat((SCRUB_CHARACTERS_MAX - shift) / 2)}${KEY} ${'y '.repeat(5000)}`;
      const clean = scrubText(text);
      expect(clean.length).toBeLessThan(SCRUB_CHARACTERS_MAX + 100);
      expect(clean).not.toContain('AbCd');
      expect(clean).toMatch(/characters cut\]$/);
    }
  });

  it.each([
    ['sk-'.repeat(30_000)],
    ['sk-ant-'.repeat(10_000)],
    ['AIza'.repeat(25_000)],
    ['authorization:'.repeat(8000)],
    ['authorization'.repeat(8000)],
    [`authorization${' '.repeat(16_000)}`],
    [`api_key${'\\'.repeat(16_000)}`],
    ['://a:'.repeat(20_000)],
    [`://${'a'.repeat(16_000)}`],
    ['Bearer '.repeat(15_000)],
    ['?key='.repeat(20_000)],
    ['A_KEY'.repeat(4000)],
    ['%20'.repeat(6000)],
    ['a'.repeat(200_000)],
    ['-'.repeat(16_000)],
  ])('ends on hostile input (%#)', (text) => {
    expect(typeof scrubText(text)).toBe('string');
  });
});

describe('watching keys in use', () => {
  const formless = 'Zq8vN2pLr5TxYw7KbHcJ4mDfGs6AeUi9';
  it('hides a key without any known form wherever it stands', () => {
    const scrubber = createScrubber();
    scrubber.watch(Buffer.from(formless));
    for (const text of [formless, `a${formless}b`, `x ${formless} y ${formless}`, `%20${formless}%20`]) {
      expect(scrubber.scrubText(text)).not.toContain(formless.slice(0, 8));
    }
    expect(scrubber.scrubText(`x ${formless} y`)).toBe('x [redacted] y');
    expect(scrubText(`x ${formless} y`)).toContain(formless);
  });

  it('ends with the last holder, and ending twice is ending once', () => {
    const scrubber = createScrubber();
    const first = scrubber.watch(Buffer.from(formless));
    const second = scrubber.watch(Buffer.from(formless));
    first();
    first();
    expect(scrubber.scrubText(formless)).toBe('[redacted]');
    second();
    expect(scrubber.scrubText(formless)).toBe(formless);
  });

  it('tells keys with the same ending apart, and hides the longer where it stands', () => {
    const scrubber = createScrubber();
    const stop = scrubber.watch(Buffer.from(formless.slice(8)));
    scrubber.watch(Buffer.from(formless));
    expect(scrubber.scrubText(`x ${formless} y`)).toBe('x [redacted] y');
    stop();
    expect(scrubber.scrubText(`x ${formless} y`)).toBe('x [redacted] y');
    expect(scrubber.scrubText(`x ${formless.slice(8)} y`)).toBe('x [redacted] y');
  });

  it('hides the whole of a key that has another one in its middle', () => {
    const scrubber = createScrubber();
    scrubber.watch(Buffer.from(formless.slice(8, 24)));
    scrubber.watch(Buffer.from(formless));
    expect(scrubber.scrubText(`x ${formless} y`)).toBe('x [redacted] y');
  });

  it('hides the last part of a cut key, but no text that merely resembles one', () => {
    const scrubber = createScrubber();
    scrubber.watch(Buffer.from(formless));
    expect(scrubber.scrubText(`… ${formless.slice(12)} y`)).toBe('… [redacted] y');
    const near = `${formless.slice(0, -1)}8`;
    expect(scrubber.scrubText(near)).toBe(near);
  });

  it.each([0, 1, 2].flatMap((before) => [30, 31, 32].map((length) => [before, length] as const)))(
    'hides base64 of a key to its last character, behind %i other bytes, %i long',
    (before, length) => {
      const scrubber = createScrubber();
      const key = formless.slice(0, length);
      scrubber.watch(Buffer.from(key));
      for (const behind of ['', 'z', 'zz']) {
        const bytes = Buffer.from(`${'a'.repeat(before)}${key}${behind}`);
        for (const text of [bytes.toString('base64'), bytes.toString('base64url')]) {
          const clean = scrubber.scrubText(`x ${text}, y`);
          const [start = '', end = ''] = clean.split('[redacted]');
          // What is left is of the neighbours alone: none of it changes with the key.
          expect(start).toBe(`x ${text.slice(0, Math.floor((before * 8) / 6))}`);
          expect(end).toMatch(behind === '' ? /^, y$/ : /^[A-Za-z0-9+/=_-]{0,5}, y$/);
        }
      }
    },
  );

  it('leaves the bytes alone and keeps nothing of them', async () => {
    const { inspect } = await import('node:util');
    const scrubber = createScrubber();
    const bytes = Buffer.from(formless);
    scrubber.watch(bytes);
    expect(bytes.toString()).toBe(formless);
    expect(inspect(scrubber, { depth: 9, showHidden: true })).not.toContain(formless.slice(-12));
  });

  it('does not watch what is too short to be told from words', () => {
    const scrubber = createScrubber();
    scrubber.watch(Buffer.from('hello world')).call(null);
    scrubber.watch(Buffer.from('hello world'));
    expect(scrubber.scrubText('say hello world')).toBe('say hello world');
  });

  it('finds the right ones among thousands', () => {
    const scrubber = createScrubber();
    const keyOf = (n: number) => createHash('sha256').update(String(n)).digest('base64url');
    for (let n = 0; n < 2000; n++) scrubber.watch(Buffer.from(keyOf(n)));
    expect(scrubber.scrubText(`${keyOf(3)} ${keyOf(1999)} ${keyOf(2000)}`)).toBe(
      `[redacted] [redacted] ${keyOf(2000)}`,
    );
  });
});

describe('scrubbing a value', () => {
  it('keeps of an error type, code, message, stack and cause alone', () => {
    const error = Object.assign(new TypeError('bad', { cause: new Error('inner') }), {
      code: 'E_BAD',
      config: { headers: { authorization: KEY } },
      request: { body: 'prompt text' },
    });
    const clean = scrubValue(error);
    expect(Object.keys(Object(clean)).sort()).toEqual(['cause', 'code', 'message', 'stack', 'type']);
    expect(clean).toMatchObject({ type: 'TypeError', code: 'E_BAD', message: 'bad', cause: { message: 'inner' } });
    expect(JSON.stringify(clean)).not.toContain('prompt text');
  });

  it('says of bytes only how many there are', () => {
    const bytes = Buffer.from(KEY);
    expect(
      scrubValue([bytes, new Uint8Array(3), new ArrayBuffer(5), new DataView(new ArrayBuffer(2)), bytes.subarray(2)]),
    ).toEqual([`[bytes ${KEY.length}]`, '[bytes 3]', '[bytes 5]', '[bytes 2]', `[bytes ${KEY.length - 2}]`]);
  });

  it('drops values of secret names and leaves counts and ids alone', () => {
    expect(
      scrubValue({
        Authorization: 'x',
        'X-API-Key': ['x'],
        cookie: 'a=b',
        password: { value: 'x' },
        sealed_key: 'abc',
        clearKey: 'abc',
        key: 'abc',
        token: 12,
        api_key: null,
        key_id: 'key_01',
        input_tokens: 5,
        keys: { id: 'key_01' },
      }),
    ).toEqual({
      Authorization: '[redacted]',
      'X-API-Key': '[redacted]',
      cookie: '[redacted]',
      password: '[redacted]',
      sealed_key: '[redacted]',
      clearKey: '[redacted]',
      key: '[redacted]',
      token: 12,
      api_key: null,
      key_id: 'key_01',
      input_tokens: 5,
      keys: { id: 'key_01' },
    });
  });

  it('bounds depth, width and size', () => {
    let deep: unknown = 'end';
    for (let i = 0; i < 50; i++) deep = { deep };
    expect(JSON.stringify(scrubValue(deep))).toContain('[deep]');
    expect(scrubValue(Array.from({ length: 500 }, () => 1))).toHaveLength(201);
    const wide = Array.from({ length: 100 }, () => Array.from({ length: 100 }, () => 'text'));
    expect(JSON.stringify(scrubValue(wide))).toContain('[more]');
  });

  it('takes anything without throwing', () => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    const trap = {
      get boom(): string {
        throw new Error('no');
      },
    };
    const proxy = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('no');
        },
      },
    );
    const odd = [
      circle,
      trap,
      proxy,
      Symbol('x'),
      () => 1,
      undefined,
      null,
      10n,
      Number.NaN,
      new Date(Number.NaN),
      /x/,
      new WeakMap(),
      Object.create(null),
      new (class {
        on() {}
      })(),
      JSON.parse('{"__proto__":{"a":1}}'),
    ];
    const clean = odd.map((value) => scrubValue(value));
    expect(() => JSON.stringify(clean)).not.toThrow();
    expect(clean.slice(0, 3)).toEqual([{ self: '[circular]' }, '[unreadable]', '[unreadable]']);
    expect(clean[7]).toBe('10');
  });

  it('shows one object twice when it stands twice, and does not change it', () => {
    const shared = { note: `has ${KEY}` };
    expect(scrubValue([shared, shared])).toEqual([
      { note: 'has [sk-ant-…redacted]' },
      { note: 'has [sk-ant-…redacted]' },
    ]);
    expect(shared.note).toContain(KEY);
  });
});
