import { beforeEach, describe, expect, test } from 'vitest';
import { PRICED, usePricedGateway } from '../../../../tests/kit/priced-gateway.ts';

const kit = usePricedGateway();
const choose = (operation: string, model: string) =>
  kit.owner.query('INSERT INTO operation_models (company_id, operation, model) VALUES ($1, $2, $3)', [
    kit.companyId,
    operation,
    model,
  ]);
const sent = () => kit.gateway.egress.calls.map(({ call }) => JSON.parse(call.request.body.toString()).model);

describe('a call that names the model auto', () => {
  beforeEach(() => {
    kit.gateway.egress.respond = (call) => call.answer(200, { said: 'hello', usage: { in: 1, out: 1 } });
  });

  test('gets the model of its operation, else the one for all others', async () => {
    await choose('', PRICED);
    await choose('mail.draft', 'openai/no-limit-known');
    await kit.call({ model: 'auto' }, { 'x-ownkey-operation': 'mail.draft' });
    await kit.call({ model: 'auto' }, { 'x-ownkey-operation': 'other' });
    await kit.call({ model: 'auto' });
    expect(sent()).toEqual(['no-limit-known', 'gpt-4o', 'gpt-4o']);
  });

  test('obeys a changed choice at once', async () => {
    await choose('', PRICED);
    await kit.call({ model: 'auto' });
    await kit.owner.query("UPDATE operation_models SET model = 'openai/no-limit-known' WHERE company_id = $1", [
      kit.companyId,
    ]);
    await kit.call({ model: 'auto' });
    expect(sent()).toEqual(['gpt-4o', 'no-limit-known']);
  });

  test('is refused by name where nothing was chosen, and nothing is sent', async () => {
    await choose('other', PRICED);
    const answer = await kit.call({ model: 'auto' }, { 'x-ownkey-operation': 'mail.draft' });
    expect(answer).toMatchObject({ status: 400, json: { error: { code: 'model.not_chosen', param: 'model' } } });
    expect(sent()).toEqual([]);
  });
});
