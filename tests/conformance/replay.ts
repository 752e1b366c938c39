import type { AnswerReader, CallerHead, Exchange, ProviderFailure } from '@ownkey/contract/dialect';

export interface Replayed {
  head: CallerHead;
  body: Buffer;
  failure: ProviderFailure | null;
  usage: ReturnType<AnswerReader['usage']>;
  generated: number;
}

/** Feeds an answer to an exchange's reader in pieces of the given sizes (the last size repeats). `cutAt` breaks it off there. */
export function replay(
  exchange: Exchange,
  answer: { status: number; headers: Record<string, string>; bytes: Buffer },
  sizes: readonly number[] = [answer.bytes.length || 1],
  cutAt?: number,
): Replayed {
  const reader = exchange.reader();
  const head = reader.head(answer.status, answer.headers);
  const out: Buffer[] = [];
  const take = (bytes: Buffer | null): void => {
    if (bytes) out.push(Buffer.from(bytes));
  };
  const bytes = cutAt === undefined ? answer.bytes : answer.bytes.subarray(0, cutAt);
  for (let at = 0, piece = 0; at < bytes.length; piece++) {
    const size = Math.max(1, sizes[Math.min(piece, sizes.length - 1)] ?? 1);
    // A copy that is overwritten afterwards: a reader must not keep views into what the transport owns.
    const chunk = Buffer.from(bytes.subarray(at, at + size));
    take(reader.push(chunk));
    at += size;
  }
  take(cutAt === undefined ? reader.end() : reader.cut({ code: 'provider.cut', message: 'It broke.' }));
  return {
    head,
    body: Buffer.concat(out),
    failure: reader.failure(),
    usage: reader.usage(),
    generated: reader.generatedCharacters(),
  };
}
