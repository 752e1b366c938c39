import type { ErrorCode } from '@ownkey/contract/errors';
import { OwnkeyError } from '@ownkey/contract/errors';
import type { Sql } from '../access/load.ts';
import { type KeyEvent, recordKeyEvent } from './audit-event.ts';

const REFUSALS: ReadonlySet<ErrorCode> = new Set(['seal.invalid', 'seal.expired', 'seal.replayed']);

/**
 * Runs `work` and puts a seal that it refuses on record: who brought it, for which key, and by which code. The refusal is thrown on,
 * whether or not it could be recorded; other failures pass.
 */
export async function recordingRefusedSeal<T>(
  sql: Sql,
  about: Omit<KeyEvent, 'kind' | 'last4' | 'data'>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof OwnkeyError && REFUSALS.has(error.code)) {
      const problem = error.facts.problem ?? null;
      const data = { code: error.code, problem, stored: false };
      await recordKeyEvent(sql, { ...about, kind: 'key.refused', last4: null, data }).catch(() => {});
    }
    throw error;
  }
}
