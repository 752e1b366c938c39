/** One call of a key test, awaited as a value. */
import type { Exchange, ProviderFailure } from '@ownkey/contract/dialect';
import type { ErrorCode } from '@ownkey/contract/errors';
import type { ProviderTarget } from '@ownkey/contract/provider';
import type { Usage, UsageBasis } from '@ownkey/contract/usage';
import { classifyFailure, requestIdOf } from '@ownkey/providers/failure';
import type { Envelope } from '@ownkey/vault/envelope';
import type { Egress, EgressCall, EgressError, EgressHandler, KeyRef } from '../egress/egress.ts';
import type { UnstoredEgress } from '../egress/pooled-egress.ts';
import { usageOf } from '../gateway/settlement.ts';

/** Whose key is tested. `envelope`: of a key that is not stored; null = stored (egress finds it), or an endpoint without a key. */
export interface ProbeKey {
  readonly target: ProviderTarget;
  readonly ref: KeyRef;
  readonly envelope: Envelope | null;
}

/** How one call came out. `status` is null when there was no answer; `lost` then says why. */
export interface ProbeAnswer {
  readonly status: number | null;
  readonly failure: ProviderFailure | null;
  readonly lost: ErrorCode | null;
  /** The answer began with 200 before it was lost. */
  readonly begun: boolean;
  readonly afterSend: boolean;
  readonly body: Buffer;
  readonly requestId: string | null;
  readonly usage: Usage | null;
  readonly basis: UsageBasis | null;
  /** null = hidden from who asked. */
  readonly latencyMs: number | null;
  readonly ttfbMs: number | null;
}

export interface CallLimits {
  readonly headMs: number;
  readonly totalMs: number;
}

const BODY_BYTES_MAX = 16 * 1024 * 1024;
const NOTHING = Buffer.alloc(0);

/** GET of the cheapest authenticated path of the provider. Never rejects. */
export function askList(egress: Egress & UnstoredEgress, key: ProbeKey, path: string, limits: CallLimits) {
  const { entry } = key.target;
  const headers = { accept: 'application/json', ...entry.quirks.headers };
  return new Promise<ProbeAnswer>((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    start(egress, key, { method: 'GET', path, headers, body: NOTHING }, limits, resolve, {
      head: () => {},
      push: (chunk) => {
        bytes += chunk.length;
        if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
        return bytes <= BODY_BYTES_MAX;
      },
      end: (status, answerHeaders) => {
        const body = Buffer.concat(chunks);
        const failure = status < 400 ? null : classifyFailure(entry, status, answerHeaders, body.toString());
        return { failure, body, usage: null, basis: null };
      },
    });
  });
}

/** The smallest generation, read by the dialect like any other call. Never rejects. */
export function askGeneration(
  egress: Egress & UnstoredEgress,
  key: ProbeKey,
  exchange: Exchange,
  limits: CallLimits,
  maxTokens: number,
): Promise<ProbeAnswer> {
  const reader = exchange.reader();
  return new Promise<ProbeAnswer>((resolve) => {
    start(egress, key, exchange.request, limits, resolve, {
      head: (status, headers) => void reader.head(status, headers),
      push: (chunk) => {
        reader.push(chunk);
        return true;
      },
      end: () => {
        reader.end();
        const failure = reader.failure();
        const { usage, basis } = usageOf(reader, {
          requestBytes: exchange.request.body.length,
          complete: failure === null,
          failed: failure !== null,
          elapsedMs: 0,
          maxTokens,
        });
        return { failure, body: NOTHING, usage, basis };
      },
    });
  });
}

interface Reading {
  head(status: number, headers: Record<string, string>): void;
  /** false = too much. May throw: the same. */
  push(chunk: Buffer): boolean;
  end(status: number, headers: Record<string, string>): Pick<ProbeAnswer, 'failure' | 'body' | 'usage' | 'basis'>;
}

function start(
  egress: Egress & UnstoredEgress,
  key: ProbeKey,
  request: EgressCall['request'],
  limits: CallLimits,
  resolve: (answer: ProbeAnswer) => void,
  reading: Reading,
): void {
  const startedAt = performance.now();
  const elapsed = () => Math.round(performance.now() - startedAt);
  let head: { status: number; headers: Record<string, string>; ms: number } | null = null;
  const finish = (rest: Partial<ProbeAnswer>): void => {
    clearTimeout(timer);
    resolve({
      status: null,
      failure: null,
      lost: null,
      begun: head?.status === 200,
      afterSend: true,
      body: NOTHING,
      requestId: head && requestIdOf(head.headers),
      usage: null,
      basis: null,
      latencyMs: elapsed(),
      ttfbMs: head?.ms ?? null,
      ...rest,
    });
  };
  const giveUp = (lost: ErrorCode): void => {
    stream.abort();
    finish({ lost });
  };
  const handler: EgressHandler = {
    head(status, headers) {
      head = { status, headers, ms: elapsed() };
      reading.head(status, headers);
    },
    data(chunk) {
      let fits = false;
      try {
        fits = reading.push(chunk);
      } catch {
        fits = false;
      }
      if (!fits) giveUp('provider.answer_too_large');
      return true;
    },
    end() {
      try {
        if (head) finish({ status: head.status, ...reading.end(head.status, head.headers) });
      } catch {
        finish({ lost: 'provider.unreadable' });
      }
    },
    error: (error: EgressError) => finish({ lost: error.code, afterSend: error.afterSend }),
  };
  const call: EgressCall = {
    key: key.ref,
    baseUrl: key.target.baseUrl,
    auth: key.target.entry.auth,
    request,
    headTimeoutMs: limits.headMs,
    idleTimeoutMs: limits.totalMs,
  };
  const timer = setTimeout(() => giveUp('provider.time_out'), limits.totalMs);
  const stream = key.envelope === null ? egress.send(call, handler) : egress.sendUnstored(call, key.envelope, handler);
}
