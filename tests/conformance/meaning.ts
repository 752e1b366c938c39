import type { ProviderFailure } from '@ownkey/contract/dialect';
import type { NeutralAnswer, NeutralPart } from '@ownkey/contract/neutral';
import type { CatalogueEntry, Wire } from '@ownkey/contract/provider';
import type { Usage } from '@ownkey/contract/usage';
import { SseParser } from '@ownkey/providers/sse';
import { AnswerCollector } from '@ownkey/providers/translate/collect-answer';
import { DIALECTS } from '@ownkey/providers/translate/dialects';

/** What an answer means to a caller of one wire, in a form to compare. */
export interface Meaning {
  parts: unknown[];
  stop: string;
  usage: Usage | null;
  failure: ProviderFailure['kind'] | null;
}

/** Reads an answer's bytes in its wire. */
export function readMeaning(
  wire: Wire,
  entry: CatalogueEntry,
  bytes: Buffer,
  isStream: boolean,
): { answer: NeutralAnswer; failure: ProviderFailure | null; isComplete: boolean } {
  if (!isStream) {
    const answer = DIALECTS[wire].readAnswer(JSON.parse(bytes.toString()), entry);
    if (!answer) throw new Error('no answer of this wire');
    return { answer, failure: null, isComplete: true };
  }
  const parser = new SseParser();
  const reader = DIALECTS[wire].streamReader(entry, {});
  const collector = new AnswerCollector();
  for (const event of [...parser.push(bytes), ...parser.end()])
    for (const part of reader.read(event)) collector.add(part);
  for (const event of reader.end()) collector.add(event);
  return { answer: collector.answer(), failure: collector.failure, isComplete: collector.finished };
}

/** The meaning as it can be said in `wire`: what the wire has no word for is put as its nearest word, on both sides. */
export function meaningIn(wire: Wire, answer: NeutralAnswer): Pick<Meaning, 'parts' | 'stop'> {
  const hasRefusal = answer.parts.some((part) => part.type === 'refusal');
  const parts = answer.parts.map((part) => plainPart(wire, part));
  return {
    parts: wire === 'openai-chat' ? chatOrder(parts) : joinTexts(parts),
    stop: stopIn(wire, answer.stop, hasRefusal),
  };
}

interface PlainPart {
  type: string;
  [field: string]: unknown;
}

function plainPart(wire: Wire, part: NeutralPart): PlainPart {
  switch (part.type) {
    case 'tool-call':
      return {
        type: 'tool-call',
        id: part.id,
        name: part.name,
        input: JSON.parse(part.arguments),
        signature: part.signature,
      };
    case 'thinking':
      // Ids of items are made up where a provider gave none.
      return {
        type: 'thinking',
        text: part.text,
        signature: part.signature || undefined,
        format: part.signature ? part.format : undefined,
      };
    case 'refusal':
      return wire === 'anthropic-messages' ? { type: 'text', text: part.text } : { ...part };
    default:
      return { ...part };
  }
}

/** Chat messages hold one text, and calls behind it. */
function chatOrder(parts: PlainPart[]): PlainPart[] {
  const of = (...types: string[]): PlainPart[] => parts.filter((part) => types.includes(part.type));
  const text = of('text')
    .map((part) => part.text)
    .join('');
  return [
    ...of('thinking', 'redacted-thinking'),
    ...(text ? [{ type: 'text', text }] : []),
    ...of('refusal', 'tool-call'),
  ];
}

function joinTexts(parts: PlainPart[]): PlainPart[] {
  const joined: PlainPart[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (part.type === 'text' && last?.type === 'text') last.text = `${last.text}${part.text}`;
    else joined.push({ ...part });
  }
  return joined;
}

function stopIn(wire: Wire, stop: string, hasRefusal: boolean): string {
  if (wire === 'anthropic-messages') return stop === 'content-filter' ? 'refusal' : stop;
  if (stop === 'stop-sequence' || stop === 'pause') return 'stop';
  if (stop === 'refusal' && !hasRefusal) return wire === 'openai-chat' ? 'content-filter' : 'stop';
  return stop;
}
