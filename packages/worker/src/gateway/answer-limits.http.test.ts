import { describe, expect, test } from 'vitest';
import { NO_LIMIT_KNOWN, USD, usePricedGateway } from '../../../../tests/kit/priced-gateway.ts';

const kit = usePricedGateway();

describe('the limit of an answer', () => {
  test('that the caller stated is sent as stated, and refused rather than lowered', async () => {
    await kit.setCap('day', 2_000_000);
    expect((await kit.call({ max_tokens: 1_000 })).status).toBe(402);
    const answer = await kit.call({ max_tokens: 500 });
    expect(answer.status).toBe(200);
    expect(answer.headers['x-ownkey-max-tokens']).toBeUndefined();
    expect(kit.sentBody()).toMatchObject({ max_tokens: 500 });
  });

  test('that nobody stated is lowered to what is left, said, and never below the least', async () => {
    await kit.setCap('day', 4_000_000);
    const open = { max_tokens: undefined, model: NO_LIMIT_KNOWN };
    const first = await kit.call(open);
    const sent = Number(first.headers['x-ownkey-max-tokens']);
    expect(first.status).toBe(200);
    expect(sent).toBeGreaterThan(256);
    expect(sent).toBeLessThan(4_096);
    expect(kit.sentBody()).toMatchObject({ max_completion_tokens: sent });
    expect(await kit.lastRow()).toMatchObject({ reserved_nano_usd: '4000000', cost_nano_usd: '2000000' });
    // 2,000,000 are left: the body, and less than 1,000 tokens.
    const second = await kit.call(open);
    expect(Number(second.headers['x-ownkey-max-tokens'])).toBeLessThan(1_000);
    expect(await kit.call(open)).toMatchObject({ status: 402, json: { error: { code: 'spend.day_cap_reached' } } });
  });

  test('that nobody knows is sent under a cap, in the place of a null too, and not without one', async () => {
    const open = { max_tokens: null, model: NO_LIMIT_KNOWN };
    expect((await kit.call(open)).headers['x-ownkey-max-tokens']).toBe('4096');
    expect(kit.sentBody()).toMatchObject({ max_tokens: 4_096 });
    for (const period of ['request', 'day', 'month']) await kit.setCap(period, null);
    expect((await kit.call(open)).headers['x-ownkey-max-tokens']).toBeUndefined();
    expect(kit.sentBody().max_tokens).toBeNull();
  });

  test.each([[0], [-1], [1e12], ['many']])('of %s is refused as what it is', async (maxTokens) => {
    expect(await kit.call({ max_tokens: maxTokens })).toMatchObject({
      status: 400,
      json: { error: { code: 'request.invalid' } },
    });
  });

  test('times a thousand answers is counted a thousand times', async () => {
    expect((await kit.call({ n: 1_000 })).status).toBe(200);
    expect(BigInt((await kit.lastRow()).reserved_nano_usd)).toBeGreaterThanOrEqual(2n * BigInt(USD));
    await kit.setCap('request', USD);
    expect(await kit.call({ n: 1_000 })).toMatchObject({ status: 402 });
  });
});
