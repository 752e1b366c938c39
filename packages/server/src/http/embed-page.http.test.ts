import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '@ownkey/contract/ids';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type TestCompany, useControlPlane } from '../../../../tests/kit/control-plane.ts';
import { registerEmbed } from './embed-page.ts';

const plane = useControlPlane();
const [ONE, OTHER] = ['https://app.example.com', 'https://admin.example.com'] as const;
let folder: string;
let app: FastifyInstance;
let company: TestCompany;
let host: Readonly<Record<string, string>>;
let operator: Readonly<Record<string, string>>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ownkey-embed-'));
  writeFileSync(join(folder, 'embed.html'), '<!doctype html><meta name="ownkey-parents" content="%PARENTS%">');
  writeFileSync(join(folder, 'embed.js'), 'void 0;');
  app = Fastify();
  app.addHook('onRequest', async (_request, reply) => void reply.header('x-frame-options', 'DENY'));
  await registerEmbed(app, {
    database: plane.database,
    gatewayUrl: 'https://gateway.example.com/v1',
    consoleFiles: folder,
    embedScript: join(folder, 'embed.js'),
  });
  [company, host, operator] = await Promise.all([
    plane.createCompany(),
    plane.createTokenHeaders(['host']),
    plane.createOperatorHeaders(),
  ]);
});
afterEach(() => list([]));
afterAll(async () => {
  await app.close();
  rmSync(folder, { recursive: true });
});

const list = async (parent_origins: string[]): Promise<void> => {
  const { status } = await plane.call('PUT', '/api/operator/policies', operator, { embed: { parent_origins } });
  expect(status).toBe(200);
};
const make = (...parent_origins: string[]) =>
  plane.call('POST', '/api/embed-sessions', host, { company: company.id, user: company.adminId, parent_origins });
const open = (id: string) => app.inject(`/embed?s=${encodeURIComponent(id)}`);
const ancestors = (policy: unknown) => /frame-ancestors ([^;]*)/.exec(String(policy))?.[1];

describe('the page of the embed', () => {
  test('may be held by the pages of its session, by nobody else, and is told which they are', async () => {
    const { body } = await make(ONE, OTHER);
    const { statusCode, headers, body: page } = await open(body.id);
    expect([statusCode, ancestors(headers['content-security-policy'])]).toEqual([200, `${ONE} ${OTHER}`]);
    expect(headers['content-security-policy']).toContain('frame-src https://gateway.example.com');
    expect(headers).not.toHaveProperty('x-frame-options');
    expect(headers['cache-control']).toBe('no-store');
    expect(page).toContain(`content="${ONE} ${OTHER}"`);
    expect(page).not.toContain(body.token);
  });

  test('is taken from pages that the operator has taken off the list', async () => {
    const { body } = await make(ONE, OTHER);
    await list([OTHER]);
    expect(ancestors((await open(body.id)).headers['content-security-policy'])).toBe(OTHER);
    await list(['https://elsewhere.example.com']);
    const none = await open(body.id);
    expect(ancestors(none.headers['content-security-policy'])).toBe("'none'");
    expect(none.body).toContain('content=""');
  });

  test.each([
    ['unknown', () => newId('embedSession')],
    ['of another form', () => "' OR 1=1"],
    ['absent', () => ''],
  ])('says that a session has ended when its id is %s', async (_, id) => {
    const { statusCode, body, headers } = await open(id());
    expect([statusCode, body]).toEqual([404, expect.stringContaining('This session has ended.')]);
    expect(headers['content-security-policy']).toContain("default-src 'none'");
  });

  test('says so of one that the host has ended', async () => {
    const { body } = await make(ONE);
    await plane.call('DELETE', `/api/embed-sessions/${body.id}`, host);
    expect((await open(body.id)).body).toContain('This session has ended.');
  });
});

test('a session for a page that the operator did not list is refused, once anything is listed', async () => {
  await list([OTHER]);
  const refused = await make(OTHER, ONE);
  expect([refused.status, refused.body.code]).toEqual([403, 'embed.origin']);
  expect((await make(OTHER)).status).toBe(201);
});

test('the script of the element may be loaded by pages of other origins, and a new one is in use within minutes', async () => {
  const { headers, body } = await app.inject('/embed.js');
  expect(body).toBe('void 0;');
  expect(headers['cache-control']).toBe('public, max-age=300, stale-while-revalidate=86400');
  expect(headers['cross-origin-resource-policy']).toBe('cross-origin');
  expect(headers['content-type']).toBe('text/javascript; charset=utf-8');
});
