import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createLogger } from '@ownkey/guard/log';
import { createScrubber } from '@ownkey/guard/scrub';
import { failureOf } from '@ownkey/server/domain/outbox/failure';
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { open, send } from '../kit/gateway.ts';
import { connect, connectPayload, type KeyWorker, runJob, startKeyWorker } from '../kit/key-jobs.ts';
import { useTestDatabase } from '../kit/postgres.ts';
import { answer, type ProviderServer, startProvider } from '../kit/provider-server.ts';
import { type RealGateway, startRealGateway } from '../kit/real-gateway.ts';
import { mintKey } from '../kit/sandbox-keys.ts';
import { sweepBytes, sweepDatabase } from '../kit/sweep.ts';
import { seedCompany, seedToken } from '../kit/worker-rows.ts';

/**
 * Threat 8: a provider that repeats the whole key it was given, in every encoding, in a 401, in an error inside a stream, in its
 * headers and in its list of models. Whatever the product writes or answers afterwards is searched. packages/guard/src/scrub-matrix.test.ts
 * has forms of keys by ways into a text; this file has the sinks.
 */
const database = useTestDatabase();
let owner: Client;
let superuser: Client;
let gateway: RealGateway;
let worker: KeyWorker;
let echo: ProviderServer;
const told: string[] = [];
const log = createScrubbingLog();

/** Keys of a known form, and of none: those only their fingerprint tells. */
const KEYS: Record<string, string> = {
  'with a form': mintKey('openai', 'valid'),
  'without a form': randomBytes(24).toString('base64url'),
  'without a form, of 31 characters': createHash('sha256').update('k').digest('hex').slice(0, 31),
  'with signs': `p+"${randomBytes(12).toString('base64url')}\\/${randomBytes(6).toString('hex')}==`,
};

function createScrubbingLog() {
  const scrubber = createScrubber();
  const lines: string[] = [];
  const logger = createLogger({ name: 'test', level: 'debug', scrubber, write: (line) => lines.push(line) });
  return { scrubber, lines, logger };
}

/** Everything a key can look like in a text. */
function echoes(clearKey: string): string {
  const bytes = Buffer.from(clearKey);
  const shifted = ['', 'a', 'ab'].map((before) => Buffer.from(`${before}${clearKey}z`));
  return [
    `key ${clearKey}, (${clearKey})`,
    `Bearer ${clearKey}`,
    ...shifted.flatMap((text) => [text.toString('base64'), text.toString('base64url')]),
    bytes.toString('base64'),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    `https://h.example/?x=${encodeURIComponent(clearKey)}`,
    JSON.stringify({ api_key: clearKey, inner: JSON.stringify({ text: clearKey }) }),
  ].join(' ; ');
}

const keyOf = (head: string): string => /^(?:authorization: Bearer |x-api-key: )(.+)$/im.exec(head)?.[1] ?? '';

/** Event streams begin well and break off with an error that holds the key. */
function streamOf(body: string, text: string): string {
  const { stream, max_output_tokens, messages, input } = JSON.parse(body);
  if (stream !== true) return '';
  const problem = { type: 'error', error: { type: 'server_error', code: text.slice(0, 200), message: text } };
  const opening =
    input !== undefined || max_output_tokens !== undefined
      ? [`event: response.created\ndata: {"type":"response.created","response":{"id":"r"}}\n\n`]
      : [
          `data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n`,
        ];
  void messages;
  const frames = [...opening, `event: error\ndata: ${JSON.stringify(problem)}\n\n`].join('');
  return `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-request-id: ${text.slice(4, text.indexOf(','))}\r\ncontent-length: ${Buffer.byteLength(frames)}\r\n\r\n${frames}`;
}

beforeAll(async () => {
  owner = await database.connect('owner');
  superuser = await database.connect('superuser');
  echo = await startProvider((socket, { head, body }) => {
    const clearKey = keyOf(head);
    const text = echoes(clearKey);
    const headers = [`x-request-id: ${clearKey}`, `x-echo: ${clearKey}`];
    const problem = { error: { message: text, type: clearKey, code: clearKey, param: clearKey } };
    if (head.startsWith('GET')) {
      const ids = [clearKey, `${clearKey}-mini`, 'gpt-4o-mini'];
      const data = ids.map((id) => ({ id, object: 'model', owned_by: clearKey }));
      socket.write(answer(JSON.stringify({ object: 'list', data }), '200 OK', headers));
      return;
    }
    socket.write(streamOf(body, text) || answer(JSON.stringify(problem), '401 Unauthorized', headers));
  });
  const baseUrls = new Map([
    ['openai', `${echo.origin}/v1`],
    ['anthropic', `${echo.origin}/v1`],
  ]);
  gateway = await startRealGateway(database.workerUrl, {
    instead: { openai: echo, anthropic: echo, mistral: echo },
    scrubber: log.scrubber,
    log: log.logger,
  });
  worker = await startKeyWorker(database.workerUrl, { baseUrls, listed: echo.listed });
});
afterAll(async () => {
  await worker.close();
  await gateway.close();
  await echo.close();
});

const canaries = Object.values(KEYS);
const places = (place: string, text: string): string[] => [
  ...new Set(sweepBytes(place, text, canaries).map(({ form, canary }) => `${place}: ${form} of key ${canary}`)),
];

const CALLS = [
  ['/v1/chat/completions', { messages: [{ role: 'user', content: 'Hi' }] }],
  ['/v1/responses', { input: 'Hi' }],
  ['/v1/messages', { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 16 }],
] as const;

describe.each(Object.entries(KEYS))('a key %s, repeated by its provider,', (_, clearKey) => {
  test.each(['openai', 'anthropic', 'mistral'])(
    'of %s, is in no answer on any wire, streamed or whole',
    async (provider) => {
      const before = echo.arrived.length;
      let token = '';
      for (const [path, body] of CALLS) {
        for (const stream of [false, true]) {
          // A company each: a key that was refused a few times is rested for a while.
          const company = await seedCompany(owner);
          ({ token } = await seedToken(owner, company, ['inference']));
          await gateway.storeKey(owner, clearKey, { companyId: company, provider });
          const request = { token, body: { ...body, model: `${provider}/m`, stream } };
          const { status, headers, text } = await send('POST', `${gateway.url}${path}`, request);
          told.push(`${status} ${JSON.stringify(headers)} ${text}`);
          expect(places(`${path} ${stream}`, told.at(-1) ?? '')).toEqual([]);
        }
      }
      const models = await send('GET', `${gateway.url}/v1/models`, { token });
      expect(models.status).toBe(200);
      expect(places('models', models.text)).toEqual([]);
      // The provider got it each time, so it could have repeated it.
      const got = echo.arrived.slice(before).filter(({ head }) => head.includes(clearKey));
      expect(got.length).toBeGreaterThanOrEqual(6);
    },
  );

  test('is in no job: not in its steps, its result, its error', async () => {
    const company = await seedCompany(owner);
    for (const keep of [true, false]) {
      const payload = connectPayload('custom', { slug: `mine-${keep}`, base_url: `${echo.origin}/v1`, keep });
      const job = await connect(worker, owner, company, clearKey, payload);
      expect(places('job', JSON.stringify(job))).toEqual([]);
      if (!keep) continue;
      expect(job.state).toBe('done');
      for (const kind of ['key.test', 'models.refresh'] as const) {
        const again = await runJob(worker, owner, kind, company, { key_id: payload.key_id });
        expect(places(kind, JSON.stringify(again))).toEqual([]);
      }
    }
  });
});

test('after all that no log line at debug level and no table holds any of them', async () => {
  expect(told.length).toBe(Object.keys(KEYS).length * 3 * 6);
  expect(told.join().match(/\[redacted\]/g)?.length).toBeGreaterThan(50);
  expect(places('log', log.lines.join('\n'))).toEqual([]);
  const { hits, rows } = await sweepDatabase(superuser, canaries);
  expect(rows).toBeGreaterThan(100);
  expect([...new Set(hits.map(({ place, form }) => `${place} ${form}`))]).toEqual([]);
});

test('a stream that is read piece by piece gives no piece of the key before its error is known', async () => {
  const company = await seedCompany(owner);
  const { token } = await seedToken(owner, company, ['inference']);
  const clearKey = KEYS['without a form'] ?? '';
  await gateway.storeKey(owner, clearKey, { companyId: company, provider: 'openai' });
  const body = { model: 'openai/m', stream: true, messages: [{ role: 'user', content: 'Hi' }] };
  const request = open('POST', `${gateway.url}/v1/chat/completions`, { token, body });
  let text = '';
  await new Promise<void>((resolve, reject) => {
    request.on('response', (response) => {
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', resolve);
      response.on('error', () => resolve());
    });
    request.on('error', reject);
  });
  expect(text).toContain('Hi');
  expect(places('pieces', text)).toEqual([]);
});

describe('a key where a name belongs is not repeated:', () => {
  const pasted = mintKey('anthropic', 'valid');
  test.each([
    ['as a model', { model: pasted, messages: [{ role: 'user', content: 'Hi' }] }],
    ['as a provider', { model: `${pasted}/m`, messages: [{ role: 'user', content: 'Hi' }] }],
    ['as a field', { model: 'openai/m', messages: [], [pasted]: 1 }],
  ])('%s', async (_, body) => {
    const company = await seedCompany(owner);
    const { token } = await seedToken(owner, company, ['inference']);
    const refused = await send('POST', `${gateway.url}/v1/chat/completions`, { token, body });
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect(refused.text).not.toContain(pasted.slice(12, 40));
    expect(log.lines.join()).not.toContain(pasted.slice(12, 40));
  });
});

test('what a mail server says in refusing a mail is kept without the password it repeats', () => {
  const secret = mintKey('groq', 'valid');
  const refusal = Object.assign(new Error(`535 5.7.8 ${secret} smtp://user:hunter2hunter2@mail.example refused`), {
    code: 'EAUTH',
  });
  const { reason } = failureOf(refusal);
  expect(reason).toMatch(/^EAUTH: 535 5\.7\.8 /);
  expect(reason).not.toContain(secret.slice(8, 30));
  expect(reason).not.toContain('hunter2');
});

describe('the last words of a process', () => {
  const ROOT = fileURLToPath(new URL('../../', import.meta.url));
  const secret = mintKey('anthropic', 'valid');

  function run(script: string): Promise<{ code: number | null; printed: string }> {
    const flags = ['--conditions=source', '--import=tsx', '--input-type=module', '-e', script];
    const child = spawn(process.execPath, flags, { cwd: ROOT, env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (printed += bytes));
    return new Promise((resolve) => child.once('close', (code) => resolve({ code, printed })));
  }
  const throws: Record<string, string> = {
    'an error nobody caught': `setTimeout(() => { throw new Error('with ${secret} inside'); }, 1);`,
    'a promise nobody caught': `Promise.reject(Object.assign(new Error('x'), { cause: new Error('${secret}') }));`,
  };
  const workerLog = `import { createLogger } from '@ownkey/guard/log'; import { createScrubber } from '@ownkey/guard/scrub';
    import { endOnDefect } from '@ownkey/guard/end-on-defect';
    const log = createLogger({ name: 'worker', level: 'info', scrubber: createScrubber(), write: (line) => process.stdout.write(line) });
    endOnDefect((error) => log.fatal('the worker ends because of a defect', { error }));`;
  const serverLog = `import { createLog } from './packages/server/src/platform/logger.ts'; import { createScrubber } from '@ownkey/guard/scrub';
    import { endOnDefect } from '@ownkey/guard/end-on-defect';
    const log = createLog('info', createScrubber());
    endOnDefect((error) => log.fatal({ err: error }, 'the server ends because of a defect'));`;
  const cases = Object.entries({ worker: workerLog, server: serverLog }).flatMap(([plane, setUp]) =>
    Object.entries(throws).map(([what, script]) => [plane, what, `${setUp}\n${script}`] as const),
  );
  test.each(cases)('of the %s say that it was %s, without the key in it', async (_plane, _what, script) => {
    const { code, printed } = await run(script);
    expect(code).toBe(1);
    expect(printed).toContain('ends because of a defect');
    expect(printed).not.toContain(secret.slice(14, 40));
  });

  test('both planes hand what nobody caught to their log', () => {
    for (const file of ['packages/worker/src/compose.ts', 'packages/server/src/main.ts'])
      expect(readFileSync(`${ROOT}${file}`, 'utf8'), file).toMatch(/endOnDefect\(\(error\) => log\.fatal\(/);
  });
});

test('nothing else writes to the outputs of the planes: a new sink has to be put through the scrubber and named here', () => {
  const packages = ['contract', 'guard', 'policy', 'providers', 'vault', 'worker', 'server', 'importer'];
  const sinks: string[] = [];
  for (const name of packages) {
    const folder = new URL(`../../packages/${name}/src/`, import.meta.url);
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || /\.test(?:-kit)?\.ts$/.test(file)) continue;
      const text = readFileSync(new URL(file, folder), 'utf8');
      if (
        /\bconsole\.\w+\(|process\.(?:stdout|stderr)\b|emitWarning|\b(?:writeFile|writeSync|appendFile|createWriteStream)/.test(
          text,
        )
      )
        sinks.push(`${name}/${file}`);
    }
  }
  expect(sinks.sort()).toEqual([
    'importer/main.ts', // what an import did, row by row; why it did not
    'server/main.ts', // why it did not start
    'server/platform/logger.ts', // its log
    'server/seed/process.ts', // why a seed failed; its result, which no key is in
    'vault/kek-write.ts', // makes the master key file
    'vault/vectors/write-vectors.ts', // run by hand
    'worker/audit-verify.ts', // the report; why it did not run
    'worker/compose.ts', // its log
    'worker/kek.ts', // what a rotation did; why it did not
    'worker/main.ts', // why it did not start
  ]);
});
