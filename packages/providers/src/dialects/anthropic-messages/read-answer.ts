import type { NeutralAnswer, NeutralPart } from '@ownkey/contract/neutral';
import { type Json, jsonsOf, textOf, textOrNull } from '../../json.ts';
import { readMessagesUsage } from './read-usage.ts';
import { readStop } from './stop.ts';

/**
 * A message in neutral form. Blocks of tools the provider runs itself and citations are left out: a caller of another wire cannot
 * have asked for them. null where the value is no message.
 */
export function readMessagesAnswer(body: Json): NeutralAnswer | null {
  if (!Array.isArray(body.content)) return null;
  const stop = readStop(textOf(body.stop_reason));
  const sequence = textOrNull(body.stop_sequence);
  return {
    id: textOf(body.id),
    model: textOf(body.model),
    parts: jsonsOf(body.content).flatMap(readPart),
    stop,
    ...(sequence === null ? {} : { stopSequence: sequence }),
    usage: readMessagesUsage(body.usage),
  };
}

function readPart(block: Json): NeutralPart[] {
  switch (block.type) {
    case 'text':
      return textOf(block.text) === '' ? [] : [{ type: 'text', text: textOf(block.text) }];
    case 'thinking': {
      const signature = textOrNull(block.signature);
      const signed = signature === null ? {} : { signature, format: 'anthropic-claude-v1' as const };
      return [{ type: 'thinking', text: textOf(block.thinking), ...signed }];
    }
    case 'redacted_thinking':
      return [{ type: 'redacted-thinking', data: textOf(block.data), format: 'anthropic-claude-v1' }];
    case 'tool_use': {
      const args = JSON.stringify(block.input ?? {});
      return [{ type: 'tool-call', id: textOf(block.id), name: textOf(block.name), arguments: args }];
    }
    default:
      return [];
  }
}
