import { OwnkeyError } from '@ownkey/contract/errors';
import { PLATFORM_OWNER } from '@ownkey/contract/key';
import type { KEY_ROUTES } from '@ownkey/contract/routes/keys';
import type { PLATFORM_KEY_ROUTES } from '@ownkey/contract/routes/platform-keys';
import { readUnreadableBy } from '../../domain/kek/kek.ts';
import { type KeyCaller, needKey, providerName, readJob, readState } from '../../domain/keys/key-calls.ts';
import { listPlatformKeys } from '../../domain/keys/payer.ts';
import { nextPayer } from '../../domain/keys/remove.ts';
import { readSealingKey } from '../../domain/keys/sealing-key.ts';
import { readSharedImpact } from '../../domain/keys/shared-impact.ts';
import { countRunning, readKeyUsage } from '../../domain/keys/usage.ts';
import { listSharedProviders } from '../../domain/providers/list.ts';
import type { HandlersOf } from '../handler.ts';
import * as keys from './key-handlers.ts';
import type { Parts } from './parts.ts';

/** Keys of a company and its people. */
export function keyHandlers(parts: Parts): HandlersOf<keyof typeof KEY_ROUTES> {
  return {
    getSealingKey: async ({ caller }) => ({
      status: 200,
      body: { ...(await readSealingKey(parts.database)), company: caller.companyId, user: caller.userId },
    }),
    listKeys: ({ caller, query }) => keys.listKeyPage(parts, caller, query),
    getKey: ({ caller, params }) => keys.readOneKey(parts, caller, params.id),
    connectKey: ({ caller, body, headers, gone }) => keys.connectKey(parts, caller, body, headers, gone),
    testKey: ({ caller, params, headers, gone }) => keys.testKey(parts, caller, params.id, headers, gone),
    replaceKey: ({ caller, params, body, headers, gone }) =>
      keys.replaceKey(parts, caller, params.id, body, headers, gone),
    changeKey: ({ caller, params, body, headers }) =>
      keys.patchKey(parts, caller, params.id, body, headers['if-match']),
    removeKey: async ({ caller, params, headers }) => {
      const { nextPayer, at } = await keys.deleteOneKey(parts, caller, params.id, headers['if-match']);
      const body = {
        id: params.id,
        removed: true as const,
        removed_at: at.toISOString(),
        backups_unreadable_by: await readUnreadableBy(parts.database.outside, parts.kekEpoch),
        next_payer: nextPayer,
      };
      return { status: 200, body };
    },
    getKeyUsage: async ({ caller, params, query }) =>
      parts.database.tenant(caller.companyId, async (sql) => {
        await needKey(sql, caller, params.id);
        return { status: 200, body: await readKeyUsage(sql, caller.companyId, params.id, query.range) };
      }),
    getKeyImpact: async ({ caller, params }) => {
      const state = await readState(parts, caller.companyId);
      return parts.database.tenant(caller.companyId, async (sql) => {
        const key = await needKey(sql, caller, params.id);
        const running = await countRunning(sql, key.id);
        const usage = await readKeyUsage(sql, caller.companyId, key.id, '30d');
        const body = {
          backups_unreadable_by: await readUnreadableBy(sql, parts.kekEpoch),
          running_requests: running.requests,
          running_streams: running.streams,
          operations: usage.operations.map(({ operation }) => operation),
          chatbots: [],
          next_payer: nextPayer(state, key, providerName(parts.catalogue, key)),
        };
        return { status: 200, body };
      });
    },
    getJob: async ({ caller, params }) => ({ status: 200, body: await readJob(parts, caller, params.id) }),
  };
}

const OPERATOR_KEYS = { companyId: null, userId: null, role: 'admin' } as const;

/** The operator's shared keys: the same calls, of no company. */
export function platformKeyHandlers(parts: Parts): HandlersOf<keyof typeof PLATFORM_KEY_ROUTES> {
  const of = ({ actor }: { readonly actor: string }): KeyCaller => ({ ...OPERATOR_KEYS, actor });
  return {
    listPlatformKeys: ({ caller, query }) => keys.listKeyPage(parts, of(caller), query),
    getPlatformSealingKey: async () => ({
      status: 200,
      body: { ...(await readSealingKey(parts.database)), company: PLATFORM_OWNER, user: null },
    }),
    connectPlatformKey: ({ caller, body, headers, gone }) => keys.connectKey(parts, of(caller), body, headers, gone),
    listPlatformProviders: () =>
      parts.database.everywhere(async (sql) => ({
        status: 200,
        body: listSharedProviders(parts.catalogue, await listPlatformKeys(sql)),
      })),
    getPlatformKeyImpact: ({ caller, params }) =>
      parts.database.everywhere(async (sql) => ({
        status: 200,
        body: {
          backups_unreadable_by: await readUnreadableBy(sql, parts.kekEpoch),
          ...(await readSharedImpact(sql, await needKey(sql, of(caller), params.id))),
        },
      })),
    getPlatformKey: ({ caller, params }) => keys.readOneKey(parts, of(caller), params.id),
    testPlatformKey: ({ caller, params, headers, gone }) => keys.testKey(parts, of(caller), params.id, headers, gone),
    replacePlatformKey: ({ caller, params, body, headers, gone }) =>
      keys.replaceKey(parts, of(caller), params.id, body, headers, gone),
    changePlatformKey: ({ caller, params, body, headers }) =>
      keys.patchKey(parts, of(caller), params.id, body, headers['if-match']),
    removePlatformKey: async ({ caller, params, headers }) => {
      await keys.deleteOneKey(parts, of(caller), params.id, headers['if-match']);
      return { status: 204, body: null };
    },
    getOperatorJob: async ({ caller, params }) => {
      const body = await readJob(parts, of(caller), params.id);
      if (body.key_id === null) throw new OwnkeyError('not_found');
      return { status: 200, body };
    },
  };
}
