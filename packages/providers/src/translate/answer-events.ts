import type { NeutralAnswer, NeutralEvent, NeutralPart } from '@ownkey/contract/neutral';

/** A whole answer as the stream it would have been: for providers that do not stream although asked to. */
export function* answerEvents(answer: NeutralAnswer): Generator<NeutralEvent> {
  const created = answer.created === undefined ? {} : { created: answer.created };
  yield { type: 'message-start', id: answer.id, model: answer.model, ...created };
  for (const part of answer.parts) yield* partEvents(part);
  if (answer.usage) yield { type: 'usage', usage: answer.usage, final: true };
  const sequence = answer.stopSequence === undefined ? {} : { stopSequence: answer.stopSequence };
  yield { type: 'message-finish', stop: answer.stop, ...sequence };
}

function* partEvents(part: NeutralPart): Generator<NeutralEvent> {
  switch (part.type) {
    case 'text':
      yield { type: 'text-start' };
      yield { type: 'text-delta', text: part.text };
      yield { type: 'text-end' };
      break;
    case 'thinking':
      yield { type: 'thinking-start', ...(part.id === undefined ? {} : { id: part.id }) };
      if (part.text !== '') yield { type: 'thinking-delta', text: part.text };
      if (part.signature !== undefined) {
        yield { type: 'thinking-signature', signature: part.signature, format: part.format ?? 'anthropic-claude-v1' };
      }
      yield { type: 'thinking-end' };
      break;
    case 'redacted-thinking':
      yield { type: 'redacted-thinking', data: part.data, format: part.format ?? 'anthropic-claude-v1' };
      break;
    case 'refusal':
      yield { type: 'refusal-delta', text: part.text };
      break;
    case 'tool-call': {
      const signed = part.signature === undefined ? {} : { signature: part.signature };
      yield { type: 'tool-start', id: part.id, name: part.name, ...signed };
      yield { type: 'tool-delta', arguments: part.arguments };
      yield { type: 'tool-end' };
      break;
    }
    default:
  }
}
