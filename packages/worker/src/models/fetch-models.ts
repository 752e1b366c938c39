import type { ProviderTarget } from '@ownkey/contract/provider';
import type { Egress, EgressError, KeyRef } from '../egress/egress.ts';

/** What came of asking a provider for its models. */
export type ModelsAnswer =
  | { kind: 'answer'; status: number; body: Buffer; requestId: string | null }
  | { kind: 'failed'; code: string; afterSend: boolean };

const BODY_BYTES_MAX = 16 * 1024 * 1024;
const NOTHING = Buffer.alloc(0);

/** Asks for the model list on a key, within `timeoutMs` from the first to the last byte. Never rejects. */
export function fetchModels(
  egress: Egress,
  target: ProviderTarget,
  path: string,
  key: KeyRef,
  timeoutMs: number,
): Promise<ModelsAnswer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let status = 0;
    let requestId: string | null = null;
    let over = false;
    const finish = (answer: ModelsAnswer): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      resolve(answer);
    };
    const stop = (code: string): void => {
      stream?.abort();
      finish({ kind: 'failed', code, afterSend: true });
    };
    const timer = setTimeout(() => stop('provider.time_out'), timeoutMs);
    const stream = egress.send(
      {
        key,
        baseUrl: target.baseUrl,
        auth: target.entry.auth,
        request: {
          method: 'GET',
          path,
          headers: { accept: 'application/json', ...target.entry.quirks.headers },
          body: NOTHING,
        },
        headTimeoutMs: timeoutMs,
        idleTimeoutMs: timeoutMs,
      },
      {
        head(answerStatus, headers) {
          status = answerStatus;
          requestId = headers['x-request-id'] ?? headers['request-id'] ?? null;
        },
        data(chunk) {
          bytes += chunk.length;
          if (bytes > BODY_BYTES_MAX) stop('provider.answer_too_large');
          else chunks.push(chunk);
          return true;
        },
        end: () => finish({ kind: 'answer', status, body: Buffer.concat(chunks), requestId }),
        error: (error: EgressError) => finish({ kind: 'failed', code: error.code, afterSend: error.afterSend }),
      },
    );
  });
}
