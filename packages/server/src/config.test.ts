import { expect, test } from 'vitest';
import { ConfigError, readConfig } from './config.ts';

const GOOD = {
  OWNKEY_GATEWAY_URL: 'http://127.0.0.1:8421/',
  OWNKEY_CONTROL_DATABASE_URL: 'postgres://ownkey_control:word-of-the-database@127.0.0.1/ownkey',
  OWNKEY_AUTH_SECRET: 'word-of-the-sessions-0123456789abcdef',
};

test('reads a whole environment, with defaults for what is absent', () => {
  expect(readConfig({ ...GOOD, OWNKEY_TRUSTED_PROXIES: '10.0.0.1, 10.1.0.0/16' })).toMatchObject({
    mode: 'production',
    host: '127.0.0.1',
    port: 8420,
    gatewayUrl: 'http://127.0.0.1:8421',
    sandboxUrl: null,
    trustedProxies: ['10.0.0.1', '10.1.0.0/16'],
    logLevel: 'info',
  });
});

test('tells every problem at once and repeats no secret', () => {
  const read = () =>
    readConfig({
      OWNKEY_PORT: '99999',
      OWNKEY_GATEWAY_URL: 'nowhere',
      OWNKEY_CONTROL_DATABASE_URL: 'mysql://word-of-the-database',
      OWNKEY_AUTH_SECRET: 'too-short',
      OWNKEY_LOG_LEVEL: 'loud',
    });
  expect(read).toThrow(ConfigError);
  try {
    read();
  } catch (error) {
    const text = String(error);
    for (const name of [
      'OWNKEY_PORT',
      'OWNKEY_GATEWAY_URL',
      'OWNKEY_CONTROL_DATABASE_URL',
      'OWNKEY_AUTH_SECRET',
      'OWNKEY_LOG_LEVEL',
    ])
      expect(text).toContain(name);
    expect(text).not.toContain('word-of-the-database');
    expect(text).not.toContain('too-short');
  }
});

test('the address of the sandbox counts in development alone', () => {
  const given = { ...GOOD, OWNKEY_SANDBOX_URL: 'http://127.0.0.1:8422' };
  expect(readConfig({ ...given, OWNKEY_MODE: 'development' }).sandboxUrl).toBe('http://127.0.0.1:8422');
  expect(readConfig(given).sandboxUrl).toBeNull();
});
