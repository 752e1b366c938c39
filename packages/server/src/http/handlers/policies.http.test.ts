import type { Client } from 'pg';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type TestCompany, useControlPlane } from '../../../../../tests/kit/control-plane.ts';

const plane = useControlPlane();
let owner: Client;
let company: TestCompany;
let operator: Headers;

beforeAll(async () => {
  owner = await plane.postgres.connect('superuser');
  await owner.query('SET search_path = ownkey');
  operator = await plane.createOperatorHeaders();
});
beforeEach(async () => {
  company = await plane.createCompany();
});

type Headers = Readonly<Record<string, string>>;
const getCaps = async (who: Headers = company.admin) => (await plane.call('GET', '/api/caps', who)).body;
const putCaps = (body: unknown, who: Headers = company.admin) => plane.call('PUT', '/api/caps', who, body);

const put = (body: unknown) => plane.call('PUT', '/api/operator/policies', operator, body);
const installationVersion = async () =>
  Number((await owner.query('SELECT config_version FROM installation')).rows[0].config_version);

afterEach(async () => {
  await owner.query("UPDATE installation SET settings = settings - 'policies'");
});

test('are changed by what is named, reach every company at its next call, and are on record', async () => {
  const before = await installationVersion();
  const changed = await put({
    caps: { preset: { per_day_usd: '2.5' }, max: { per_month_usd: null } },
    ceilings: { hosted_tools: { web_search: '0.25' }, service_tiers: { priority: 2 } },
  });
  expect(changed.status).toBe(200);
  expect(changed.body).toMatchObject({
    caps: { preset: { per_request_usd: '10', per_day_usd: '2.5' }, max: { per_month_usd: null }, required: false },
    ceilings: { hosted_tools: { web_search: '0.25' }, service_tiers: { priority: 2 }, file_tokens: null },
  });
  expect(await installationVersion()).toBeGreaterThan(before);
  expect((await plane.call('GET', '/api/operator/policies', operator)).body).toEqual(changed.body);
  expect((await getCaps()).company.per_day_usd).toBe('2.5');
  expect((await putCaps({ company: { per_month_usd: 5_000_000 } })).status).toBe(200);
  const { rows } = await owner.query("SELECT data FROM audit_events WHERE kind = 'policies.changed'");
  expect(rows.at(-1).data).toMatchObject({
    from: { caps: { preset: { per_day_usd: '10' } } },
    to: { caps: { preset: { per_day_usd: '2.5' } } },
  });
});

test('say what follows a failing key, each part by itself', async () => {
  expect((await put({ on_failure: { preset: 'stop' } })).body.on_failure).toEqual({ choice: 'free', preset: 'stop' });
  expect((await put({ on_failure: { choice: 'platform' } })).body.on_failure).toEqual({
    choice: 'platform',
    preset: 'stop',
  });
  expect((await put({ min_max_tokens: 128 })).body.on_failure).toEqual({ choice: 'platform', preset: 'stop' });
});

test('that require caps refuse a company without, and keep the preset where it had none', async () => {
  await putCaps({ company: { per_day_usd: null } });
  await put({ caps: { required: true } });
  expect((await getCaps()).company.per_day_usd).toBe('10');
  const cleared = await putCaps({ company: { per_month_usd: null } });
  expect([cleared.body.code, cleared.body.param]).toEqual(['request.invalid', 'company.per_month_usd']);
  expect((await putCaps({ users: { default: { per_day_usd: null } } })).status).toBe(200);
});

test.each([
  [{ caps: { preset: { per_day_usd: 101 } } }, 'caps.preset.per_day_usd'],
  [{ caps: { max: { per_day_usd: 9 } } }, 'caps.preset.per_day_usd'],
  [{ caps: { preset: { per_day_usd: -1 } } }, 'caps.preset.per_day_usd'],
  [{ caps: { max: { per_month_usd: '1e3' } } }, 'caps.max.per_month_usd'],
  [{ caps: { required: true, preset: { per_day_usd: null } } }, 'caps.preset.per_day_usd'],
  [{ min_max_tokens: 5000 }, 'min_max_tokens'],
  [{ ceilings: { hosted_tools: { web_search: 'much' } } }, 'ceilings.hosted_tools.web_search'],
  [{ default_max_tokens: 0 }, 'default_max_tokens'],
  [{ on_failure: { choice: 'sometimes' } }, 'on_failure.choice'],
  [{ on_failure: { preset: 'free' } }, 'on_failure.preset'],
  [{ ceilings: { service_tiers: { priority: 0 } } }, 'ceilings.service_tiers.priority'],
  [{ embed: { parent_origins: ['https://app.example.com/'] } }, 'embed.parent_origins'],
  [{ embed: { parent_origins: ['https://*.example.com'] } }, 'embed.parent_origins'],
  [{ embed: { parent_origins: ['http://app.example.com'] } }, 'embed.parent_origins'],
  [{ embed: { parent_origins: ["https://a.example 'self'"] } }, 'embed.parent_origins'],
])('refuse %j', async (body, param) => {
  const answer = await put(body);
  expect([answer.status, answer.body.code]).toEqual([400, 'request.invalid']);
  expect(answer.body.title).toContain(param);
});
