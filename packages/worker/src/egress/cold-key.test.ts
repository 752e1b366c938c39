import { expect, test } from 'vitest';
import { callTo, customKey, egressKit, send } from '../../../../tests/kit/egress.ts';
import { ok, useEgress } from '../../../../tests/kit/use-egress.ts';

const { provider, kit } = useEgress();

test('many first calls on a key whose envelope is still being read all go out, on its own connections', async () => {
  const server = await provider(ok);
  const stored = egressKit(server.listed);
  const key = customKey(server.origin);
  stored.store(key, Buffer.from('canary-first-calls-on-a-cold-key-0123456789'));
  let read = 0;
  const { egress } = kit(server.listed, {
    kekRing: stored.ring,
    envelopes: {
      // Answers in reverse order: the calls that asked first start last.
      get: async (asked) => {
        const wait = 25 - read++;
        for (let turn = 0; turn < wait; turn++) await new Promise((resolve) => setImmediate(resolve));
        const envelope = stored.envelopes.get(asked.id);
        if (!envelope) throw new Error('not stored');
        return envelope;
      },
      forget: () => {},
    },
  });
  const outcomes = await Promise.all(Array.from({ length: 25 }, () => send(egress, callTo(server.origin, key))));
  expect(outcomes.map((outcome) => outcome.error?.code ?? outcome.status)).toEqual(
    Array.from({ length: 25 }, () => 200),
  );
  await stored.egress.close();
});
