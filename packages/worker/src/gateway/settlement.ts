import type { AnswerReader } from '@ownkey/contract/dialect';
import { NO_USAGE, type Usage, type UsageBasis } from '@ownkey/contract/usage';
import type { Settlement } from '../ledger/ledger.ts';

/** Bytes of text that count as one token where a provider reports nothing: the usual rule of thumb for English. */
const BYTES_PER_TOKEN = 4;

/**
 * What a call used. Reported and complete: that. Reported in part: the larger of reported and counted. Nothing reported although
 * text was generated: counted. Nothing reported and nothing generated: nothing.
 */
export function usageOf(
  reader: Pick<AnswerReader, 'usage' | 'generatedCharacters'>,
  requestBytes: number,
): { usage: Usage; basis: UsageBasis | null } {
  const reported = reader.usage();
  if (reported !== null && !reported.partial) return { usage: reported.usage, basis: reported.basis };
  const counted = Math.ceil(reader.generatedCharacters() / BYTES_PER_TOKEN);
  if (reported !== null) {
    const { usage, basis } = reported;
    return counted > usage.output ? { usage: { ...usage, output: counted }, basis: 'counted' } : { usage, basis };
  }
  if (counted === 0) return { usage: NO_USAGE, basis: null };
  return {
    usage: { ...NO_USAGE, input: Math.ceil(requestBytes / BYTES_PER_TOKEN), output: counted },
    basis: 'counted',
  };
}

/** The last comment of a stream whose caller asked for its usage. */
export function usageComment({ usage, basis }: Pick<Settlement, 'usage' | 'basis'>): Buffer {
  const facts = {
    input_tokens: usage?.input ?? 0,
    output_tokens: usage?.output ?? 0,
    cached_tokens: usage?.cacheRead ?? 0,
    basis,
  };
  return Buffer.from(`: x-ownkey-usage ${JSON.stringify(facts)}\n\n`);
}
