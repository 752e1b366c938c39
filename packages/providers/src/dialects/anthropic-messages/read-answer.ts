import type { NeutralAnswer, NeutralPart } from '@ownkey/contract/neutral';
import { type Json, jsonsOf, textOf, textOrNull } from '../../json.ts';
import { unpackSignature } from '../../translate/signature.ts';
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
    parts: readParts(jsonsOf(body.content)),
    stop,
    ...(sequence === null ? {} : { stopSequence: sequence }),
    usage: readMessagesUsage(body.usage),
  };
}

function readParts(blocks: Json[]): NeutralPart[] {
  /** Signatures of tool calls that a gateway put into blocks of their own. */
  const carried = new Map<string, string>();
  return blocks.flatMap((block) => readPart(block, carried));
}

function readPart(block: Json, carried: Map<string, string>): NeutralPart[] {
  switch (block.type) {
    case 'text':
      return textOf(block.text) === '' ? [] : [{ type: 'text', text: textOf(block.text) }];
    case 'thinking':
      return [{ type: 'thinking', text: textOf(block.thinking), ...readSigned(textOrNull(block.signature)) }];
    case 'redacted_thinking': {
      const { format, id, signature } = unpackSignature(textOf(block.data), 'anthropic-claude-v1');
      if (format !== 'google-gemini-v1') return [{ type: 'redacted-thinking', data: signature, format }];
      carried.set(id, signature);
      return [];
    }
    case 'tool_use': {
      const id = textOf(block.id);
      const signature = carried.get(id);
      const signed = signature === undefined ? {} : { signature };
      const args = JSON.stringify(block.input ?? {});
      return [{ type: 'tool-call', id, name: textOf(block.name), arguments: args, ...signed }];
    }
    default:
      return [];
  }
}

/** A signature of this API, or one that came through from another. */
export function readSigned(
  written: string | null,
): Pick<Extract<NeutralPart, { type: 'thinking' }>, 'signature' | 'format' | 'id'> {
  if (written === null) return {};
  const { format, id, signature } = unpackSignature(written, 'anthropic-claude-v1');
  if (format === 'google-gemini-v1') return {};
  return { signature, format, ...(id === '' ? {} : { id }) };
}
