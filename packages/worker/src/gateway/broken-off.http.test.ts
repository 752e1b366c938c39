import { describe, expect, test } from 'vitest';
import { open } from '../../../../tests/kit/gateway.ts';
import { chat, usePricedGateway } from '../../../../tests/kit/priced-gateway.ts';

const kit = usePricedGateway();

describe('a call that breaks off', () => {
  const streamed = async () => {
    kit.gateway.egress.respond = () => {};
    const reached = kit.gateway.egress.next();
    const request = open('POST', `${kit.gateway.url}/v1/chat/completions`, {
      token: kit.token,
      body: chat({ stream: true }),
    });
    request.on('error', () => {});
    return { request, upstream: await reached };
  };
  const settled = () => expect.poll(async () => (await kit.lastRow())?.state).toBe('settled');

  test('because its caller left before the first byte is estimated, within what was reserved', async () => {
    const { request } = await streamed();
    request.destroy();
    await settled();
    const row = await kit.lastRow();
    expect(row).toMatchObject({ error_code: 'caller.gone', cost_basis: 'estimated' });
    expect(BigInt(row.cost_nano_usd)).toBeGreaterThan(0n);
    expect(BigInt(row.cost_nano_usd)).toBeLessThanOrEqual(BigInt(row.reserved_nano_usd));
  });

  test('because its caller left in the middle is counted by what was generated', async () => {
    const { request, upstream } = await streamed();
    const response = new Promise<import('node:http').IncomingMessage>((resolve) => request.once('response', resolve));
    upstream.head(200, { 'content-type': 'text/event-stream' });
    upstream.data('x'.repeat(400));
    for await (const _ of await response) break;
    await settled();
    expect(await kit.lastRow()).toMatchObject({ cost_basis: 'counted', output_tokens: '100' });
  });

  test('because its caller left after the usage costs that usage', async () => {
    const { request, upstream } = await streamed();
    const response = new Promise<import('node:http').IncomingMessage>((resolve) => request.once('response', resolve));
    upstream.head(200, { 'content-type': 'text/event-stream' });
    upstream.data('data: {"usage":{"in":1000,"out":500}}\n\n');
    for await (const _ of await response) break;
    await settled();
    expect(await kit.lastRow()).toMatchObject({ cost_basis: 'reported', cost_nano_usd: '2000000' });
  });

  test('because its provider left in the middle is counted, before the first byte estimated', async () => {
    const middle = await streamed();
    middle.upstream.head(200, { 'content-type': 'text/event-stream' });
    middle.upstream.data('x'.repeat(400));
    middle.upstream.error('provider.cut');
    await settled();
    expect(await kit.lastRow()).toMatchObject({
      error_code: 'provider.cut',
      cost_basis: 'counted',
      output_tokens: '100',
    });
    const before = await streamed();
    before.upstream.error('provider.cut');
    await expect.poll(async () => (await kit.lastRow()).error_code).toBe('provider.cut');
    await expect.poll(async () => (await kit.lastRow()).cost_basis).toBe('estimated');
  });

  test('with a whole answer that holds neither text nor usage is booked at its worst', async () => {
    kit.gateway.egress.respond = (upstream) => {
      upstream.head(200, {});
      upstream.end();
    };
    await kit.call();
    const row = await kit.lastRow();
    expect(row).toMatchObject({ cost_basis: 'estimated' });
    expect(BigInt(row.cost_nano_usd)).toBeGreaterThanOrEqual(2_000_000n);
  });

  test('with an error of the provider’s before any text costs nothing', async () => {
    kit.gateway.egress.respond = (upstream) => upstream.answer(400, { error: 'no' });
    await kit.call();
    expect(await kit.lastRow()).toMatchObject({ state: 'settled', cost_nano_usd: '0', cost_basis: null });
  });

  test('before it was sent gives its reservation back', async () => {
    kit.gateway.egress.respond = (upstream) => upstream.error('provider.unreachable', false);
    expect((await kit.call()).status).toBe(502);
    expect(await kit.lastRow()).toMatchObject({ state: 'released', cost_nano_usd: null });
    const { rows } = await kit.owner.query('SELECT sum(reserved)::int AS held FROM meters WHERE company_id = $1', [
      kit.companyId,
    ]);
    expect(rows).toEqual([{ held: 0 }]);
  });
});
