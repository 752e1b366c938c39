import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { selfSigned } from '../../../tests/kit/certificate.ts';
import { ConfigError, type ProcessFacts, readConfig } from './config.ts';

let folder: string;
let good: Record<string, string>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ownkey-config-'));
  writeFileSync(join(folder, 'kek'), 'a file', { mode: 0o600 });
  writeFileSync(join(folder, 'open-kek'), 'a file', { mode: 0o600 });
  chmodSync(join(folder, 'open-kek'), 0o640);
  writeFileSync(join(folder, 'pem'), 'PEM');
  good = {
    OWNKEY_WORKER_DATABASE_URL: 'postgres://worker:secret@127.0.0.1:5432/ownkey',
    OWNKEY_KEK_FILE: join(folder, 'kek'),
    OWNKEY_GATEWAY_PORT: '0',
  };
});
afterAll(() => rmSync(folder, { recursive: true }));

let pairs = 0;
/** A certificate and its key in files of their own. */
function tlsFiles(): { OWNKEY_GATEWAY_TLS_CERT: string; OWNKEY_GATEWAY_TLS_KEY: string } {
  const { cert, key } = selfSigned(['localhost']);
  const [certPath, keyPath] = [join(folder, `cert-${++pairs}`), join(folder, `key-${pairs}`)];
  writeFileSync(certPath, cert);
  writeFileSync(keyPath, key, { mode: 0o600 });
  return { OWNKEY_GATEWAY_TLS_CERT: certPath, OWNKEY_GATEWAY_TLS_KEY: keyPath };
}

const plain: ProcessFacts = { execArgv: ['--permission', '--no-addons'], inspectorUrl: undefined };

function problemsOf(env: Record<string, string>, facts = plain): readonly string[] {
  try {
    readConfig(env, facts);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

test('a plain environment is read with its defaults', () => {
  expect(readConfig(good, plain)).toMatchObject({
    mode: 'production',
    host: '127.0.0.1',
    port: 0,
    bodyBytesMax: 33_554_432,
    clearKeys: false,
    tls: null,
    listenDatabaseUrl: good.OWNKEY_WORKER_DATABASE_URL,
    logLevel: 'info',
  });
});

test('base URLs of providers are read by id, without trailing slash', () => {
  const env = {
    ...good,
    OWNKEY_PROVIDER_ACME_BASE_URL: 'http://127.0.0.1:9/acme/',
    OWNKEY_PROVIDER_MY_BOX_BASE_URL: 'https://box.example',
  };
  expect([...readConfig(env, plain).baseUrls]).toEqual([
    ['acme', 'http://127.0.0.1:9/acme'],
    ['my-box', 'https://box.example'],
  ]);
});

test('all problems are told at once, and no secret is in them', () => {
  const problems = problemsOf({
    OWNKEY_WORKER_DATABASE_URL: 'mysql://worker:hunter2@host/db',
    OWNKEY_GATEWAY_PORT: 'many',
    OWNKEY_BODY_MAX_BYTES: '3',
    OWNKEY_EGRESS_ALLOW: '169.254.169.254:80',
    OWNKEY_LOG_LEVEL: 'loud',
  });
  const about = [
    'OWNKEY_WORKER_DATABASE_URL',
    'OWNKEY_GATEWAY_PORT',
    'OWNKEY_BODY_MAX_BYTES',
    'OWNKEY_EGRESS_ALLOW',
    'OWNKEY_LOG_LEVEL',
    'OWNKEY_KEK_FILE',
  ];
  for (const name of about)
    expect(
      problems.some((problem) => problem.startsWith(name)),
      name,
    ).toBe(true);
  expect(problems.join()).not.toContain('hunter2');
});

describe('refuses to start', () => {
  test.each<[string, Record<string, string>, string]>([
    ['with NODE_OPTIONS', { NODE_OPTIONS: '--require=./x.js' }, 'NODE_OPTIONS'],
    ['without certificate checks', { NODE_TLS_REJECT_UNAUTHORIZED: '0' }, 'NODE_TLS_REJECT_UNAUTHORIZED'],
    ['with a log of TLS secrets', { SSLKEYLOGFILE: 'keys.log' }, 'SSLKEYLOGFILE'],
    ['behind a proxy', { https_proxy: 'http://proxy:8080' }, 'https_proxy'],
    ['behind a proxy of another protocol', { FTP_PROXY: 'http://proxy' }, 'FTP_PROXY'],
    ['behind any proxy', { ALL_PROXY: 'socks5://proxy' }, 'ALL_PROXY'],
    ['with an authority that no setting names', { NODE_EXTRA_CA_CERTS: 'other.pem' }, 'NODE_EXTRA_CA_CERTS'],
  ])('%s', (_, env, name) => {
    expect(problemsOf({ ...good, ...env })).toEqual([expect.stringContaining(name)]);
  });

  test.each(['--inspect', '--inspect-brk=0.0.0.0:9229', '--tls-keylog=keys.log', '--heapsnapshot-signal=SIGUSR2'])(
    'under %s',
    (flag) => {
      expect(problemsOf(good, { execArgv: [flag], inspectorUrl: undefined })).toHaveLength(1);
    },
  );

  test('with an inspector attached', () => {
    expect(problemsOf(good, { execArgv: [], inspectorUrl: 'ws://127.0.0.1:9229/x' })).toHaveLength(1);
  });

  test('with a master key that others can read, and without one', () => {
    expect(problemsOf({ ...good, OWNKEY_KEK_FILE: join(folder, 'open-kek') })).toEqual([
      expect.stringContaining('chmod 600'),
    ]);
    expect(problemsOf({ ...good, OWNKEY_KEK_FILE: join(folder, 'none') })).toEqual([
      expect.stringContaining('missing'),
    ]);
  });

  test('with clear keys in production without TLS', () => {
    expect(problemsOf({ ...good, OWNKEY_CLEAR_KEYS: '1' })).toEqual([expect.stringContaining('OWNKEY_CLEAR_KEYS')]);
    expect(problemsOf({ ...good, OWNKEY_CLEAR_KEYS: '1', OWNKEY_MODE: 'development' })).toEqual([]);
    expect(problemsOf({ ...good, ...tlsFiles(), OWNKEY_CLEAR_KEYS: '1' })).toEqual([]);
  });

  test('with a TLS key that others can read', () => {
    const files = tlsFiles();
    chmodSync(files.OWNKEY_GATEWAY_TLS_KEY, 0o640);
    expect(problemsOf({ ...good, ...files })).toEqual([expect.stringContaining('chmod 600')]);
  });

  test('with the key of another certificate, or with what is neither', () => {
    const files = tlsFiles();
    expect(problemsOf({ ...good, ...files, OWNKEY_GATEWAY_TLS_KEY: tlsFiles().OWNKEY_GATEWAY_TLS_KEY })).toEqual([
      expect.stringContaining('is not the key'),
    ]);
    writeFileSync(files.OWNKEY_GATEWAY_TLS_KEY, 'no key', { mode: 0o600 });
    const problems = problemsOf({ ...good, ...files });
    expect(problems).toEqual([expect.stringContaining('PEM')]);
    expect(problems.join()).not.toContain('no key');
  });

  test('with proxies that are no addresses', () => {
    expect(problemsOf({ ...good, OWNKEY_TRUSTED_PROXIES: '10.0.0.0/8,proxy.example' })).toEqual([
      expect.stringContaining('proxy.example'),
    ]);
  });

  test('with half of a TLS certificate', () => {
    expect(problemsOf({ ...good, OWNKEY_GATEWAY_TLS_CERT: join(folder, 'pem') })).toEqual([
      expect.stringContaining('together'),
    ]);
  });
});

test('the authority that a setting names may also be told to Node', () => {
  const pem = join(folder, 'pem');
  expect(readConfig({ ...good, OWNKEY_EXTRA_CA_FILE: pem, NODE_EXTRA_CA_CERTS: pem }, plain).extraCa).toBe('PEM');
});
