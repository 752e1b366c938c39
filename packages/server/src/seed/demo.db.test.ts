import { expect, test } from 'vitest';
import { useControlPlane } from '../../../../tests/kit/control-plane.ts';
import { runFakeJobs, storeKey, VALID_PROBE } from '../../../../tests/kit/fake-jobs.ts';
import { createSealingKey } from '../../../../tests/kit/sealing.ts';
import { seedDemo } from './demo.ts';
import { seedPlatformKeys } from './platform-keys.ts';

const plane = useControlPlane();

test('the demonstration has an operator, a company that may do everything and one without own keys', async () => {
  const seeded = await plane.database.everywhere(seedDemo);
  expect(seeded.companies.map(({ plan }) => plan)).toEqual(['business', 'free']);
  const plans = await plane.call('GET', '/api/operator/plans', await plane.createOperatorHeaders());
  const [business, free] = ['business', 'free'].map((id) =>
    plans.body.data.find((plan: { id: string }) => plan.id === id),
  );
  expect(business).toMatchObject({ byok: true, requests_per_minute: null, concurrent_requests: null });
  expect(business.credits_usd).not.toBe('0');
  expect(free.byok).toBe(false);
  const signedIn = await plane.call('POST', '/api/auth/sign-in', {}, seeded.companies[0]?.admin);
  expect(signedIn.body.user).toMatchObject({ role: 'admin', company: { id: seeded.companies[0]?.id } });
});

test('seeded again it is the same companies with new passwords and tokens, and the old ones are worth nothing', async () => {
  const before = await plane.database.everywhere(seedDemo);
  const after = await plane.database.everywhere(seedDemo);
  expect(after.companies.map(({ id }) => id)).toEqual(before.companies.map(({ id }) => id));
  const old = before.companies[0];
  const now = after.companies[0];
  const keys = (token = '') => plane.call('GET', '/api/keys', { authorization: `Bearer ${token}` });
  expect([(await keys(old?.api_token)).status, (await keys(now?.api_token)).status]).toEqual([401, 200]);
  const signIn = (login: object | undefined) => plane.call('POST', '/api/auth/sign-in', {}, login);
  expect([(await signIn(old?.admin)).status, (await signIn(now?.admin)).status]).toEqual([401, 200]);
  const operator = { authorization: `Bearer ${after.operator.api_token}` };
  expect((await plane.call('GET', '/api/operator/plans', operator)).status).toBe(200);
  expect((await plane.call('GET', `/api/companies/${now?.id}`, operator)).status).toBe(200);
});

test('shared keys are sealed, connected as jobs, and those of an earlier start are gone', async () => {
  const worker = await plane.postgres.connect('worker');
  await createSealingKey(worker);
  const { taken } = await runFakeJobs(worker, async (job, client) => {
    await storeKey(client, job);
    return { done: { key_id: job.payload.key_id, last4: 'abcd', probe: VALID_PROBE } };
  });
  const keys = new Map([
    ['openai', 'sk-proj-valid-0123456789abcdefghij'],
    ['groq', 'gsk_valid-0123456789abcdefghij'],
  ]);
  await seedPlatformKeys(plane.database, keys);
  await seedPlatformKeys(plane.database, keys);
  const list = await plane.call('GET', '/api/operator/platform-keys', await plane.createOperatorHeaders());
  expect(list.body.data.map(({ provider }: { provider: string }) => provider)).toEqual(['groq', 'openai']);
  expect(taken).toHaveLength(4);
  expect(JSON.stringify(taken)).not.toContain('0123456789abcdefghij');
});
