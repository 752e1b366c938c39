import { beforeAll, expect, test } from 'vitest';
import { useControlPlane } from '../../../../../tests/kit/control-plane.ts';
import { writeDemoAccounts } from '../../domain/sign-in/demo-accounts.ts';

const development = useControlPlane({ OWNKEY_MODE: 'development', OWNKEY_SANDBOX_URL: 'http://127.0.0.1:2' });
const production = useControlPlane({ OWNKEY_HOST_NAME: ' Skylark ' });
const ACCOUNT = { label: 'Acme', email: 'ana@acme.example', password: 'a-password' };

beforeAll(async () => {
  for (const plane of [development, production]) {
    await plane.database.everywhere((sql) => writeDemoAccounts(sql, [ACCOUNT]));
  }
});

test('the sign-in page of a development installation offers its demo accounts to this machine', async () => {
  const { body } = await development.call('GET', '/api/installation', { host: '127.0.0.1:8420' });
  expect(body).toMatchObject({ mode: 'development', sandbox_url: 'http://127.0.0.1:2', demo_accounts: [ACCOUNT] });
});

test('a page of another name that points at this machine gets none of them', async () => {
  const { body } = await development.call('GET', '/api/installation', { host: 'rebound.example:8420' });
  expect(body.demo_accounts).toEqual([]);
});

test('production never offers any, whatever the database holds', async () => {
  const { body } = await production.call('GET', '/api/installation', { host: '127.0.0.1:8420' });
  expect(body).toMatchObject({ mode: 'production', sandbox_url: null, demo_accounts: [] });
});

test('an installation says what the product is called that it is part of, or that nobody said', async () => {
  expect((await production.call('GET', '/api/installation')).body.host_name).toBe('Skylark');
  expect((await development.call('GET', '/api/installation')).body.host_name).toBeNull();
});
