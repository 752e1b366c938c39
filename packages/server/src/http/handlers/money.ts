import { OwnkeyError } from '@ownkey/contract/errors';
import type { MONEY_ROUTES } from '@ownkey/contract/routes/money';
import { changeCaps, planCaps } from '../../domain/caps/caps.ts';
import { previewChanges } from '../../domain/caps/preview.ts';
import { lastCapsChange, readCaps } from '../../domain/caps/store.ts';
import { capsView } from '../../domain/caps/view.ts';
import { estimateCall } from '../../domain/estimate/estimate-call.ts';
import { readState } from '../../domain/keys/key-calls.ts';
import { changePolicies, policiesView, readStoredPolicies } from '../../domain/policies/policies.ts';
import { readSpend } from '../../domain/spend/spend.ts';
import type { HandlersOf } from '../handler.ts';
import type { Parts } from './parts.ts';

/** Caps, spend and estimates of one company; the host's policies. */
export function moneyHandlers(parts: Parts): HandlersOf<keyof typeof MONEY_ROUTES> {
  const { database } = parts;
  return {
    getCaps: ({ caller }) =>
      database.tenant(caller.companyId, async (sql) => {
        const state = await readCaps(sql, caller.companyId, 'no lock');
        const body = capsView(state, caller, await lastCapsChange(sql, caller.companyId));
        return { status: 200, body, headers: { etag: body.etag } };
      }),
    putCaps: ({ caller, body, headers }) =>
      database.tenant(caller.companyId, async (sql) => {
        const state = await changeCaps(sql, caller, body, headers['if-match'] ?? null);
        const view = capsView(state, caller, await lastCapsChange(sql, caller.companyId));
        return { status: 200, body: view, headers: { etag: view.etag } };
      }),
    previewCaps: ({ caller, body }) =>
      database.tenant(caller.companyId, async (sql) => {
        const state = await readCaps(sql, caller.companyId, 'no lock');
        const plans = await planCaps(sql, state, caller, body);
        return { status: 200, body: { data: await previewChanges(sql, caller.companyId, state, plans) } };
      }),
    getSpend: ({ caller }) =>
      database.tenant(caller.companyId, async (sql) => {
        const caps = await readCaps(sql, caller.companyId, 'no lock');
        return { status: 200, body: await readSpend(sql, caps, caller) };
      }),
    estimate: async ({ caller, body, bytes, query, headers }) => {
      if (bytes === null) throw new OwnkeyError('request.invalid_json', { problem: 'it is empty' });
      const state = await readState(parts, caller.companyId);
      const { companyId, userId } = caller;
      const account = headers['x-ownkey-account'] ?? null;
      const operation = headers['x-ownkey-operation'] ?? null;
      return {
        status: 200,
        body: await estimateCall(parts, state, {
          companyId,
          userId,
          account,
          operation,
          wire: query.wire,
          body,
          bytes,
        }),
      };
    },
    getPolicies: () =>
      database.everywhere(async (sql) => ({ status: 200, body: policiesView(await readStoredPolicies(sql)) })),
    putPolicies: ({ caller, body }) =>
      database.everywhere(async (sql) => ({
        status: 200,
        body: policiesView(await changePolicies(sql, body, caller.actor)),
      })),
  };
}
