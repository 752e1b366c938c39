import type { KEK_ROUTES } from '@ownkey/contract/routes/kek';
import { orderRotation, readKek } from '../../domain/kek/kek.ts';
import type { HandlersOf } from '../handler.ts';
import type { Parts } from './parts.ts';

/** The master key, for operators. */
export function kekHandlers({ database, kekEpoch }: Parts): HandlersOf<keyof typeof KEK_ROUTES> {
  return {
    getKek: () => database.everywhere(async (sql) => ({ status: 200, body: await readKek(sql, kekEpoch) })),
    createKekRotation: ({ caller }) =>
      database.everywhere(async (sql) => ({ status: 202, body: await orderRotation(sql, caller.actor) })),
  };
}
