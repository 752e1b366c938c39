/**
 * Every form of key through every way a key gets into a text, through the logger: what is written is searched for any 12 characters of
 * the key, plain, in hex and in base64. Keys are made from a fixed seed, so a failure repeats.
 */
import { describe, expect, it } from 'vitest';
import { createLogger } from './log.ts';
import { createScrubber } from './scrub.ts';

let seed = 20_261_121;
const random = () => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
};
const from = (alphabet: string, length: number) =>
  Array.from({ length }, () => alphabet.charAt(Math.floor(random() * alphabet.length))).join('');
const ALNUM = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const alnum = (length: number) => from(ALNUM, length);
const token = (length: number) => `${from(ALNUM, length - 12)}_-${from(`${ALNUM}_-`, 9)}a`;
const hex = (length: number) => from('0123456789abcdef', length);

const KEYS: Readonly<Record<string, string>> = {
  'sk-proj-': `sk-proj-${token(90)}`,
  'sk-svcacct-': `sk-svcacct-${token(80)}`,
  'sk- long': `sk-${alnum(48)}`,
  'sk- hex': `sk-${hex(32)}`,
  'sk-ant-': `sk-ant-api03-${token(93)}`,
  'sk-or-': `sk-or-v1-${hex(64)}`,
  AIza: `AIza${token(35)}`,
  'AQ.': `AQ.Ab8${token(44)}`,
  gsk_: `gsk_${alnum(52)}`,
  'xai-': `xai-${alnum(80)}`,
  'nvapi-': `nvapi-${token(64)}`,
  tgp_v1_: `tgp_v1_${token(43)}`,
  'pplx-': `pplx-${alnum(48)}`,
  'test mode': `gsk_rate_limited-${alnum(40)}`,
  'own token': `oky_${alnum(40)}`,
  'no form, 32': alnum(32),
  'no form, hex 64': hex(64),
  'no form, chosen': `my-vllm-pass-${alnum(11)}`,
  'no form, signs': `p+${alnum(10)}/${alnum(10)}==`,
};
const FORMLESS = Object.keys(KEYS).filter((name) => name.startsWith('no form'));

type Entry = [message: string, fields?: Readonly<Record<string, unknown>>];
const error = (text: string) => new Error(text);
const PATHS: Readonly<Record<string, (key: string) => Entry[]>> = {
  'message, end of sentence': (key) => [[`call failed with key ${key}.`]],
  'message, in quotes': (key) => [[`the key "${key}" was refused`]],
  'message, in brackets': (key) => [[`refused (${key}), [${key}], <${key}>, {${key}}`]],
  'message, glued to an equals sign': (key) => [[`x=${key}`]],
  'JSON text': (key) => [[`{"api_key":"${key}"}`]],
  'JSON in JSON': (key) => [[JSON.stringify({ inner: JSON.stringify({ api_key: key }) })]],
  'header object': (key) => [['m', { headers: { authorization: `Bearer ${key}` } }]],
  'header list': (key) => [
    ['m', { rawHeaders: ['Content-Type', 'x', 'Authorization', `Bearer ${key}`, 'x-api-key', key] }],
  ],
  'header list of bytes': (key) => [['m', { rawHeaders: [Buffer.from('x-api-key'), Buffer.from(key)] }]],
  'header pairs': (key) => [['m', { headers: [['x-goog-api-key', key]] }]],
  Headers: (key) => [['m', { headers: new Headers({ authorization: `Bearer ${key}` }) }]],
  'header text': (key) => [[`line1\r\nAuthorization: Bearer ${key}\r\nline3`]],
  'basic credentials': (key) => [[`Authorization: Basic ${Buffer.from(`u:${key}`).toString('base64')}`]],
  'query of a URL': (key) => [[`GET https://api.example.com/v1beta/models?key=${encodeURIComponent(key)}&a=1 404`]],
  URL: (key) => [['m', { url: new URL(`https://h.example.com/v1?key=${encodeURIComponent(key)}`) }]],
  URLSearchParams: (key) => [['m', { query: new URLSearchParams({ api_key: key }) }]],
  'userinfo of a URL': (key) => [[`https://u:${encodeURIComponent(key)}@h.example.com/v1`]],
  'escaped header': (key) => [[`q=${encodeURIComponent(`Bearer ${key}`)}`]],
  'error message': (key) => [['m', { err: error(`401 Incorrect API key provided: ${key}. You can find`) }]],
  'error cause': (key) => [['m', { err: new Error('x', { cause: error(`inner ${key}`) }) }]],
  'error name and code': (key) => [['m', { err: Object.assign(error('x'), { name: key, code: key }) }]],
  'aggregate error': (key) => [['m', { err: new AggregateError([error(`a ${key}`), error('b')], 'many') }]],
  'error with its request': (key) => [
    [
      'm',
      { err: Object.assign(error('failed'), { config: { headers: { Authorization: key } }, response: { data: key } }) },
    ],
  ],
  bytes: (key) => [
    [
      'm',
      {
        body: Buffer.from(key),
        view: new Uint8Array(Buffer.from(key)),
        whole: Uint8Array.from(Buffer.from(key)).buffer,
      },
    ],
  ],
  nested: (key) => [['m', { a: { b: { c: { d: `v=${key}` } } } }]],
  'too deep': (key) => [['m', { a: { b: { c: { d: { e: { f: { g: { h: { i: { api_key: key } } } } } } } } } }]],
  circular: (key) => {
    const circle: Record<string, unknown> = { 'x-api-key': key };
    circle.self = circle;
    return [['m', { circle }]];
  },
  'Map and Set': (key) => [['m', { map: new Map([['api_key', key]]), set: new Set([`v ${key}`]) }]],
  'name of a field': (key) => [['m', { [key]: 1 }]],
  'field called key': (key) => [['m', { key }]],
  'class instance': (key) => [
    [
      'm',
      {
        thing: new (class Thing {
          readonly secret = key;
        })(),
      },
    ],
  ],
  'bound field': (key) => [['m', { token: key, note: `has ${key}` }]],
  'shell command': (key) => [[`curl -H 'Authorization: Bearer ${key}' -H "x-api-key: ${key}" https://x`]],
  environment: (key) => [[`ACME_API_KEY=${key} OTHER_TOKEN='${key}'`]],
  hex: (key) => [[`blob ${Buffer.from(key).toString('hex')} ${Buffer.from(key).toString('hex').toUpperCase()}`]],
  base64: (key) => ['', 'a', 'ab'].map((before) => [`blob ${Buffer.from(`${before}${key}z`).toString('base64')}`]),
  base64url: (key) => ['', 'a', 'ab'].map((before) => [`blob ${Buffer.from(`${before}${key}`).toString('base64url')}`]),
  masked: (key) => [[`key ${key.slice(0, 7)}***${key.slice(-4)}`]],
  'two lines': (key) => [[`first ${key.slice(0, key.length >> 1)}`], [`then ${key.slice(key.length >> 1)}`]],
};

/** Whether any 12 characters of the key (or 9 bytes within base64) are in the text. */
function leaks(output: string, key: string): boolean {
  const lower = output.toLowerCase();
  for (let i = 0; i + 12 <= key.length; i++) {
    const part = key.slice(i, i + 12);
    if (output.includes(part) || lower.includes(Buffer.from(part).toString('hex'))) return true;
    if (output.includes(encodeURIComponent(part)) || output.includes([...part].toReversed().join(''))) return true;
    for (const before of [0, 1, 2]) {
      const text = Buffer.concat([Buffer.alloc(before), Buffer.from(part)])
        .toString('base64')
        .replace(/=+$/, '');
      const inner = text.slice(before === 0 ? 0 : before + 1, -1);
      if (output.includes(inner) || output.includes(inner.replaceAll('+', '-').replaceAll('/', '_'))) return true;
    }
  }
  return false;
}

function run(watched: boolean): { cases: number; leaking: string[] } {
  const leaking: string[] = [];
  let cases = 0;
  for (const [name, key] of Object.entries(KEYS)) {
    for (const [path, entriesOf] of Object.entries(PATHS)) {
      const scrubber = createScrubber();
      if (watched) scrubber.watch(Buffer.from(key));
      let output = '';
      const log = createLogger({ name: 'test', level: 'debug', scrubber, write: (line) => (output += line) });
      for (const [message, fields] of entriesOf(key)) {
        log.error(message, fields);
        log.child(fields ?? {}).info(message);
      }
      cases++;
      if (leaks(output, key)) leaking.push(`${name} | ${path}`);
    }
  }
  return { cases, leaking };
}

describe('the leak matrix', () => {
  it('without a scrubber leaks nearly everywhere, so the search works', () => {
    let found = 0;
    for (const key of Object.values(KEYS)) {
      for (const [path, entriesOf] of Object.entries(PATHS)) {
        if (path === 'circular' || path === 'masked') continue;
        const texts = entriesOf(key).flatMap(([message, fields]) => [message, JSON.stringify(fields ?? {})]);
        if (leaks(texts.join('\n'), key)) found++;
      }
    }
    expect(found).toBeGreaterThan(400);
  });

  it('lets nothing through for keys in use, but the first half of a key without form that is split over two lines', () => {
    const { cases, leaking } = run(true);
    expect(cases).toBeGreaterThan(400);
    expect(leaking.sort()).toEqual(FORMLESS.map((name) => `${name} | two lines`).sort());
  });

  it('without fingerprints lets keys of known form through only when they are encoded', () => {
    const { leaking } = run(false);
    const known = leaking.filter((entry) => !FORMLESS.some((name) => entry.startsWith(name)));
    const paths = new Set(known.map((entry) => entry.split(' | ')[1]));
    expect([...paths].sort()).toEqual(['base64', 'base64url', 'hex', 'two lines']);
  });
});
