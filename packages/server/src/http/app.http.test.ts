import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ERRORS } from '@ownkey/contract/errors';
import { ROUTES } from '@ownkey/contract/routes';
import { newToken } from '@ownkey/contract/token-form';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { useControlPlane } from '../../../../tests/kit/control-plane.ts';
import { composeServer, type Server } from '../compose.ts';
import { readConfig } from '../config.ts';

const plane = useControlPlane();

/** A server with a console of two files, on a database that does not answer. */
let folder: string;
let alone: Server;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ownkey-console-'));
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>console</title>');
  writeFileSync(join(folder, 'assets', 'main-1a2b.js'), 'export {};');
  const config = readConfig({
    OWNKEY_PORT: '0',
    OWNKEY_GATEWAY_URL: 'https://gateway.example.com',
    OWNKEY_CONSOLE_URL: 'https://keys.example.com/',
    OWNKEY_CONTROL_DATABASE_URL: 'postgres://ownkey_control@127.0.0.1:1/none',
    OWNKEY_AUTH_SECRET: 'x'.repeat(32),
  });
  alone = await composeServer(config, { logTo: { write: () => true }, consoleFiles: folder });
  await alone.app.ready();
});
afterAll(async () => {
  await alone.close();
  rmSync(folder, { recursive: true });
});
const open = (url: string, headers: Record<string, string> = { accept: 'text/html' }) =>
  alone.app.inject({ url, headers });

describe('pages', () => {
  test('every room of the console is its page, asked for anew each time; built files never change', async () => {
    for (const room of ['/', '/sign-in', '/c/co_1/keys/connect/openai?x=1', '/operator/plans']) {
      const answer = await open(room);
      expect([room, answer.statusCode, answer.headers['cache-control']]).toEqual([room, 200, 'no-cache']);
      expect(answer.body).toContain('<title>console</title>');
    }
    const asset = await open('/assets/main-1a2b.js', {});
    expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable');
  });

  test('every error links to its section of a page that needs nothing but its own style sheet', async () => {
    const problem = (await open('/api/nothing')).json();
    expect(problem.type).toBe('/docs/errors#not_found');
    const page = await open('/docs/errors');
    expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    for (const code of Object.keys(ERRORS)) expect(page.body).toContain(`id="${code}"`);
    expect(page.body).not.toMatch(/<script|<style|style=| on\w+="/);
    expect((await open('/docs/style.css', {})).headers['content-type']).toContain('text/css');
  });

  test('the documentation links to nothing that is not there', async () => {
    const seen = new Set<string>();
    const follow = async (url: string): Promise<void> => {
      if (seen.has(url) || url === '/docs/api') return;
      seen.add(url);
      const page = await open(url);
      expect([url, page.statusCode]).toEqual([url, 200]);
      for (const [, path = ''] of page.body.matchAll(/href="(\/[^"#]*)/g)) await follow(path);
    };
    await follow('/docs');
    expect([...seen]).toEqual(expect.arrayContaining(['/docs/guide', '/docs/configuration', '/docs/deployment']));
    expect((await open('/docs/none', {})).statusCode).toBe(404);
  });

  test('what is no page is not answered with one', async () => {
    expect((await open('/assets/gone.js', {})).statusCode).toBe(404);
    for (const path of ['/api/nothing', '/api/', '/api']) {
      const answer = await open(path);
      expect([path, answer.statusCode, answer.headers['content-type']]).toEqual([
        path,
        404,
        expect.stringContaining('application/problem+json'),
      ]);
    }
  });

  test.each([
    '/../package.json',
    '/..%2fpackage.json',
    '/assets/..%5c..%5cpackage.json',
    '/.env',
    '/%2e%2e/%2e%2e/etc/passwd',
  ])('%s gives no file from outside the console', async (path) => {
    const answer = await open(path, {});
    expect([400, 404]).toContain(answer.statusCode);
  });

  test('runs scripts of its own origin alone, is framed by nobody, and insists on https where it has it', async () => {
    for (const path of ['/', '/api/auth/session', '/nothing', '/docs/api', '/healthz']) {
      const { headers } = await open(path);
      const policy = String(headers['content-security-policy']);
      expect(policy).toContain("script-src 'self';");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/script-src[^;]*unsafe|default-src 'self'|\*/);
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['strict-transport-security']).toContain('max-age=');
    }
    expect((await plane.call('GET', '/api/auth/session')).headers['strict-transport-security']).toBeUndefined();
  });

  test('over https the session cookie is bound to the host and to https', async () => {
    const answer = await alone.app.inject({ method: 'POST', url: '/api/auth/sign-out' });
    expect(answer.headers['set-cookie']).toBe(
      '__Host-ownkey_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure',
    );
  });
});

describe('without a database', () => {
  test('the process says it lives and is not ready, and the API says so too', async () => {
    expect((await open('/healthz')).statusCode).toBe(200);
    expect((await open('/readyz')).statusCode).toBe(503);
    const answer = await open('/api/keys', { authorization: `Bearer ${newToken('co')}` });
    expect([answer.statusCode, answer.json().code]).toEqual([503, 'ledger.unavailable']);
    expect(answer.body).not.toContain('ECONNREFUSED');
  });
});

describe('the API', () => {
  test('is not cached, names its request, and never answers with what a failure said', async () => {
    const answer = await plane.call('GET', '/api/keys');
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'x-ownkey-error-code': 'auth.missing' });
    expect(answer.headers['x-ownkey-request-id']).toBe(answer.body.request_id);
  });

  test('a method that an address does not take is 405', async () => {
    const company = await plane.createCompany();
    for (const [method, path] of [
      ['DELETE', '/api/keys'],
      ['POST', '/api/settings'],
      ['GET', '/api/auth/sign-in'],
    ] as const) {
      const answer = await plane.call(method, path, company.admin);
      expect([path, answer.status, answer.body.code]).toEqual([path, 405, 'method_not_allowed']);
    }
  });

  test('takes an id that is longer than any as a wrong request', async () => {
    const company = await plane.createCompany();
    for (const [method, path] of [
      ['GET', '/api/keys'],
      ['DELETE', '/api/keys'],
      ['POST', '/api/notices'],
    ] as const) {
      const end = method === 'POST' ? '/dismiss' : '';
      const answer = await plane.call(method, `${path}/${'x'.repeat(10_000)}${end}`, company.admin);
      expect([method, answer.status, answer.body.code]).toEqual([method, 400, 'request.invalid']);
    }
  });

  test('is described by OpenAPI 3.1, every route of the table with its answers, and its reference needs no other host', async () => {
    const { body } = await plane.call('GET', '/api/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    for (const { method, path, answers } of Object.values(ROUTES)) {
      const operation = body.paths[path.replace(/:([a-z_]+)/g, '{$1}')]?.[method.toLowerCase()];
      expect(Object.keys(operation?.responses ?? {}), `${method} ${path}`).toEqual(
        expect.arrayContaining([...Object.keys(answers), 'default']),
      );
    }
    const page = await plane.call('GET', '/docs/api');
    expect(page.text).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  });

  test('log lines hold the pattern of an address, never what a caller wrote', async () => {
    plane.logLines.length = 0;
    await plane.call('GET', '/api/keys/sk-proj-canary0123456789abcdef?q=canary-of-the-query', {
      authorization: 'Bearer oky_co_canary0123456789',
      cookie: 'ownkey_session=canary-of-the-cookie',
    });
    const lines = plane.logLines.join('');
    expect(lines).toContain('"route":"/api/keys/:id"');
    expect(lines).not.toContain('canary');
  });

  test('metrics name routes by pattern alone', async () => {
    await plane.call('GET', '/api/keys/key_canary');
    const { text } = await plane.call('GET', '/metrics');
    expect(text).toMatch(/ownkey_server_requests_total\{route="\/api\/keys\/:id",method="GET",status="401"\} \d+/);
    expect(text).not.toContain('canary');
  });
});
