import { readdirSync, readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isTokenForm, newToken } from '@ownkey/contract/token-form';
import { parseTrustedProxies } from '@ownkey/guard/client-address';
import { createToken, findToken } from '@ownkey/server/domain/tokens/tokens';
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { useControlPlane } from '../kit/control-plane.ts';
import { type GatewayUnderTest, send, startGateway } from '../kit/gateway.ts';
import { seedCompany, seedToken } from '../kit/worker-rows.ts';

/** Threat 15: a stolen copy of the database is no token, and nothing that is typed for one reaches a statement. */
const PROXY = { OWNKEY_TRUSTED_PROXIES: '127.0.0.1' };
const plane = useControlPlane(PROXY, { wrongTokensMax: 60 });
let gateway: GatewayUnderTest;
let owner: Client;
let clients = 0;
/** Another client each time, as the trusted proxy tells it. */
const elsewhere = (): Record<string, string> => ({ 'x-forwarded-for': `198.51.100.${++clients}` });

beforeAll(async () => {
  owner = await plane.postgres.connect('superuser');
  await owner.query('SET search_path = ownkey');
  gateway = await startGateway(plane.postgres.workerUrl, {
    trustedProxies: parseTrustedProxies(['127.0.0.1', '::1']).proxies,
  });
});
afterAll(() => gateway.close());

/** As sqlmap tries them, with quotes, control characters, other scripts and endless text; all in the place of a token. */
const CORPUS: readonly string[] = [
  "' OR '1'='1",
  "' OR 1=1--",
  '" OR ""="',
  "') OR ('a'='a",
  "'; DROP TABLE tokens;--",
  "1' AND (SELECT 1 FROM pg_sleep(5))--",
  "' UNION SELECT id, hash, prefix FROM tokens--",
  "' UNION ALL SELECT NULL,NULL,NULL,NULL#",
  "' AND extractvalue(1,concat(0x7e,version()))--",
  "'||(SELECT hash FROM tokens LIMIT 1)||'",
  '$1',
  '$$; SELECT 1; $$',
  "E'\\x27'",
  "\\'; SELECT pg_sleep(5)--",
  '%27%20OR%201=1',
  '\u00bf\u0027',
  'oky_co_\u00e9\u00e8',
  '\u00ff\u00fe',
  'oky_',
  'oky_co_',
  `oky_co_${'0'.repeat(38)}`,
  `oky_co_${'A'.repeat(32)}`,
  `oky_host_${"'".repeat(38)}`,
  newToken('co').slice(0, -1),
  `${newToken('co')}x`,
  newToken('co').toUpperCase(),
  newToken('op'),
  `Bearer ${newToken('co')}`,
  'null',
  'undefined',
  '[object Object]',
  '{"$gt":""}',
  '*',
  '../../etc/passwd',
  '$'.concat('{jndi:ldap://x}'),
  '{{7*7}}',
  'x'.repeat(10_240),
  `oky_co_${'0'.repeat(10_240)}`,
];

const withoutId = (text: string): string => text.replace(/"request_id":"[^"]*"/, '').replace(/req_[0-9a-z]+/g, '');

describe('whatever stands in the place of a token', () => {
  test('the control plane answers the same 401, byte for byte', async () => {
    const answers = new Set<string>();
    for (const text of CORPUS) {
      const { status, text: body } = await plane.call('GET', '/api/keys', {
        authorization: `Bearer ${text}`,
        ...elsewhere(),
      });
      answers.add(`${status} ${withoutId(body)}`);
    }
    expect([...answers]).toHaveLength(1);
    expect([...answers][0]).toMatch(/^401 .*"auth\.invalid"/);
  });

  test('the gateway answers the same 401, byte for byte, and calls nobody', async () => {
    const answers = new Set<string>();
    for (const text of CORPUS) {
      const { status, text: body } = await send('POST', `${gateway.url}/v1/chat/completions`, {
        headers: { authorization: `Bearer ${text}`, ...elsewhere() },
        body: { model: 'openai/gpt-4o' },
      });
      answers.add(`${status} ${withoutId(body)}`);
    }
    expect([...answers]).toHaveLength(1);
    expect([...answers][0]).toMatch(/^401 .*"auth\.invalid"/);
    expect(gateway.egress.calls).toEqual([]);
  });

  test('a NUL byte is no HTTP request at either', async () => {
    await plane.server.app.listen({ port: 0, host: '127.0.0.1' });
    const address = plane.server.app.server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    for (const [target, where] of [
      [port, '/api/keys'],
      [Number(new URL(gateway.url).port), '/v1/models'],
    ] as const) {
      const answer = await raw(target, `GET ${where} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer oky_\0co\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    }
  });

  test('what has no right checksum is refused without a question to the database', async () => {
    const questions: unknown[] = [];
    const counting = {
      rows: async <R>(statement: string): Promise<R[]> => {
        questions.push(statement);
        return [];
      },
    };
    for (const text of CORPUS.filter((one) => !isTokenForm(one))) expect(await findToken(counting, text)).toBeNull();
    expect(questions).toEqual([]);
    expect(await findToken(counting, newToken('co'))).toBeNull();
    expect(questions).toHaveLength(1);
  });
});

function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(text, 'latin1'));
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
      socket.end();
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

test('the database holds no usable token, and none of its hashes opens anything', async () => {
  const { token, row } = await plane.database.everywhere((sql) =>
    createToken(sql, { name: 't', scopes: ['host'], companyId: null, userId: null, createdBy: 'x', expiresAt: null }),
  );
  const secret = token.slice('oky_host_'.length + 4, -4);
  const { rows } = await owner.query(
    'SELECT t::text AS line, encode(hash, $$hex$$) AS hex, encode(hash, $$base64$$) AS b64 FROM tokens t WHERE id = $1',
    [row.id],
  );
  expect(rows[0].line).not.toContain(secret);
  for (const stored of [rows[0].hex, rows[0].b64, row.prefix, row.id, `${row.prefix}${row.last4}`]) {
    const answer = await plane.call('GET', '/api/companies/nobody', {
      authorization: `Bearer ${stored}`,
      ...elsewhere(),
    });
    expect(answer.status).toBe(401);
  }
  expect((await plane.call('GET', '/api/companies/nobody', { authorization: `Bearer ${token}` })).status).toBe(404);
});

describe('many wrong tokens from one client', () => {
  const planes: [
    string,
    (
      token: string,
      from: Record<string, string>,
    ) => Promise<{ status: number; text: string; headers: Readonly<Record<string, unknown>> }>,
  ][] = [
    [
      'the control plane',
      (token, from) => plane.call('GET', '/api/tokens', { authorization: `Bearer ${token}`, ...from }),
    ],
    ['the gateway', (token, from) => send('GET', `${gateway.url}/v1/models`, { token, headers: from })],
  ];
  test.each(planes)('%s: the 61st in a minute waits, a valid one and other clients never', async (_, ask) => {
    const from = elsewhere();
    for (let i = 0; i < 60; i++) expect((await ask(newToken('co'), from)).status).toBe(401);
    const late = await ask('not even a token', from);
    expect(late.status).toBe(429);
    expect(late.text).toContain('auth.too_many_failures');
    expect(Number(late.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(late.headers['retry-after'])).toBeLessThanOrEqual(60);
    const company = await seedCompany(owner);
    const { token } = await seedToken(owner, company, ['company:admin']);
    expect((await ask(token, from)).status).toBe(200);
    expect((await ask(newToken('co'), elsewhere())).status).toBe(401);
  });

  test('a client cannot take the blame for another by writing the header itself', async () => {
    const direct = await startGateway(plane.postgres.workerUrl);
    const statuses: number[] = [];
    for (let i = 0; i < 61; i++) {
      const answer = await send('GET', `${direct.url}/v1/models`, { token: newToken('co'), headers: elsewhere() });
      statuses.push(answer.status);
    }
    await direct.close();
    expect(statuses.at(-1)).toBe(429);
  });
});

describe('a token whose time is over', () => {
  test('is refused by both planes from that moment on, and told in the record once', async () => {
    const company = await seedCompany(owner);
    const { id, token } = await seedToken(owner, company, ['company:admin']);
    const both = async () => [
      (await plane.call('GET', '/api/tokens', { authorization: `Bearer ${token}`, ...elsewhere() })).status,
      (await send('GET', `${gateway.url}/v1/models`, { token, headers: elsewhere() })).status,
    ];
    expect(await both()).toEqual([200, 200]);
    await owner.query('UPDATE tokens SET expires_at = now() WHERE id = $1', [id]);
    for (let i = 0; i < 3; i++) expect(await both()).toEqual([401, 401]);
    const told = async () =>
      (
        await owner.query("SELECT actor FROM audit_events WHERE company_id = $1 AND kind = 'token.used_after_end'", [
          company,
        ])
      ).rows;
    await expect.poll(told).toEqual([{ actor: id }]);
  });

  test('scopes hold on both planes', async () => {
    const company = await seedCompany(owner);
    const { token } = await seedToken(owner, company, ['usage:read']);
    expect((await plane.call('GET', '/api/tokens', { authorization: `Bearer ${token}` })).body.code).toBe('auth.scope');
    expect((await send('GET', `${gateway.url}/v1/models`, { token })).text).toContain('auth.scope');
  });
});

/**
 * A statement is a constant. What is put into one is a constant of the code (in capitals), or one of these, each of which was looked
 * at: none of them is what somebody sent. Anything else has to be a parameter.
 */
const LOOKED_AT = new Set([
  "COUNTS('mail')",
  "COUNTS('webhook')",
  // 'FOR UPDATE' or nothing.
  "lock === 'lock' ? 'FOR UPDATE' : ''",
  'lock',
  // Numbers of parameters.
  'usageWhere(0)',
  'usageWhere(1)',
  // A column by a name of a closed list.
  'COLUMN[dimension]',
  // The same condition on two plans: aliases of the statement.
  "allows('o')",
  "allows('n')",
  // Conditions and facts of the code's own.
  'lost',
  'differs',
  // Channels, which cannot be parameters: a constant and random hexadecimal digits.
  'channel',
  'this.#heartbeat',
  // `ownkey migrate`, as the owner: the two roles, and a password of the operator's own settings.
  'role',
  'client.escapeLiteral(password)',
]);
const CONSTANT = /^[A-Z][A-Z0-9_]*(?:\.[a-z]+)?(?: \+ \d+)?$/;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

function sources(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map((entry) => path.join(entry.parentPath, entry.name));
}

/** Template texts that look like statements, with what is put into them. */
function statementParts(code: string): string[] {
  const found: string[] = [];
  for (const [, text = ''] of code.matchAll(/`((?:[^`\\]|\\.|\$\{[^}]*\})*)`/g)) {
    if (!/^\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH|LISTEN|NOTIFY|SET|CREATE|ALTER|DROP|TRUNCATE)\b/.test(text)) continue;
    for (const [, inner = ''] of text.matchAll(/\$\{([^}]*)\}/g)) found.push(inner.trim());
  }
  for (const [, text = ''] of code.matchAll(/['"](?:SELECT|INSERT|UPDATE|DELETE) [^'"]*['"]\s*\+\s*(\w+)/g))
    found.push(text);
  return found;
}

test('no statement is built from what somebody sent', () => {
  const unknown: string[] = [];
  let statements = 0;
  for (const plane of ['server', 'worker', 'importer']) {
    for (const file of sources(path.join(ROOT, 'packages', plane, 'src'))) {
      const code = readFileSync(file, 'utf8');
      statements += code.match(/\b(?:SELECT|INSERT INTO|UPDATE|DELETE FROM)\b/g)?.length ?? 0;
      for (const part of statementParts(code))
        if (!CONSTANT.test(part) && !LOOKED_AT.has(part)) unknown.push(`${path.relative(ROOT, file)}: \${${part}}`);
    }
  }
  expect(statements).toBeGreaterThan(200);
  expect(unknown).toEqual([]);
});

test('the check of statements sees one that is built from a value', () => {
  expect(statementParts('sql.rows(`SELECT * FROM users WHERE name = #{name}`)'.replace('#', '$'))).toEqual(['name']);
  expect(statementParts("sql.rows('SELECT * FROM users WHERE id = ' + id)")).toEqual(['id']);
});
