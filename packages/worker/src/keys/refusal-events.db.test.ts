import { newId } from '@ownkey/contract/ids';
import type { Client } from 'pg';
import { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { useTestDatabase } from '../../../../tests/kit/postgres.ts';
import { seedCompany } from '../../../../tests/kit/worker-rows.ts';
import { sqlOf } from '../database.ts';
import { destinationRecorder, recordRefusedSeal } from './refusal-events.ts';

const database = useTestDatabase();
let owner: Client;
let pool: Pool;
beforeAll(async () => {
  owner = await database.connect('owner');
  pool = new Pool({ connectionString: database.workerUrl, max: 2 });
});
afterAll(() => pool.end());

const eventsOf = async (company: string) =>
  (
    await owner.query('SELECT kind, key_id, actor, data FROM ownkey.audit_events WHERE company_id = $1 ORDER BY seq', [
      company,
    ])
  ).rows;

test.each(['seal.replayed', 'seal.expired', 'seal.invalid'] as const)(
  'a pasted key refused with %s is told',
  async (code) => {
    const company = await seedCompany(owner);
    const [id, key] = [newId('job'), newId('key')];
    const payload = { key_id: key, provider: 'openai' };
    const job = {
      id,
      kind: 'key.connect' as const,
      company_id: company,
      payload,
      actor: 'usr_a',
      attempts: 1,
      sealed: null,
    };
    const facts = { problem: 'it was sealed for another company' };
    await recordRefusedSeal(sqlOf(pool), job, { code, facts });
    await recordRefusedSeal(sqlOf(pool), job, { code: 'key.rejected', facts });
    expect(await eventsOf(company)).toEqual([
      { kind: 'key.seal_refused', key_id: key, actor: 'usr_a', data: { code, ...facts } },
    ]);
  },
);

test('a key whose address had changed is told once, however many calls are refused', async () => {
  const company = await seedCompany(owner);
  const key = {
    id: newId('key'),
    version: 1,
    owner: company,
    provider: 'openai',
    destination: 'catalogue:other',
    keyless: false,
  };
  const failures: unknown[] = [];
  const record = destinationRecorder(sqlOf(pool), (error) => failures.push(error));
  for (let i = 0; i < 5; i++) record(key);
  await expect.poll(() => eventsOf(company)).toMatchObject([{ kind: 'key.destination_changed', key_id: key.id }]);
  expect(failures).toEqual([]);
});
