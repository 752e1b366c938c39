import { DEFAULT_OPERATION } from '@ownkey/contract/model-choice';
import type { OPERATION_ROUTES } from '@ownkey/contract/routes/operations';
import { readState } from '../../domain/keys/key-calls.ts';
import { listOperations, putOperationModel } from '../../domain/operations/operations.ts';
import type { HandlersOf } from '../handler.ts';
import type { Parts } from './parts.ts';

/** Which model the product's operations use. */
export function operationHandlers(parts: Parts): HandlersOf<keyof typeof OPERATION_ROUTES> {
  const { database, catalogue } = parts;
  return {
    listOperations: async ({ caller }) => {
      const state = await readState(parts, caller.companyId);
      const data = await database.tenant(caller.companyId, (sql) =>
        listOperations(sql, catalogue, state, caller.userId),
      );
      return { status: 200, body: { data, next_cursor: null } };
    },
    putOperationModel: async ({ caller, params, body, headers }) => {
      const state = await readState(parts, caller.companyId);
      const to = { operation: params.name === DEFAULT_OPERATION ? '' : params.name, model: body.model };
      const operation = await database.tenant(caller.companyId, (sql) =>
        putOperationModel(sql, catalogue, state, to, headers['if-match'] ?? null, caller),
      );
      return { status: 200, body: operation, headers: { etag: operation.etag } };
    },
  };
}
