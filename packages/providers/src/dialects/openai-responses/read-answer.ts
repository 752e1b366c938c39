import type { NeutralAnswer, NeutralPart, NeutralStop } from '@ownkey/contract/neutral';
import { type Json, jsonOf, jsonsOf, numberOrNull, textOf } from '../../json.ts';
import { readReasoningItem } from './read-items.ts';
import { readResponsesUsage } from './read-usage.ts';

/**
 * A response in neutral form. Items of tools the provider runs itself are left out: a caller of another wire cannot have asked for
 * them. null where the value is no response.
 */
export function readResponsesAnswer(body: Json): NeutralAnswer | null {
  if (!Array.isArray(body.output)) return null;
  const carried = new Map<string, string>();
  const parts = jsonsOf(body.output).flatMap((item) => readItem(item, carried));
  const created = numberOrNull(body.created_at);
  return {
    id: textOf(body.id),
    model: textOf(body.model),
    ...(created === null ? {} : { created }),
    parts,
    stop: readResponseStop(body, parts),
    usage: readResponsesUsage(body.usage),
  };
}

function readItem(item: Json, carried: Map<string, string>): NeutralPart[] {
  switch (item.type) {
    case 'message':
      return jsonsOf(item.content).flatMap((part): NeutralPart[] => {
        if (part.type === 'output_text') return [{ type: 'text', text: textOf(part.text) }];
        return part.type === 'refusal' ? [{ type: 'refusal', text: textOf(part.refusal) }] : [];
      });
    case 'reasoning': {
      const part = readReasoningItem(item, carried);
      const isEmpty = part?.type === 'thinking' && part.text === '' && part.signature === undefined;
      return part && !isEmpty ? [part] : [];
    }
    case 'function_call': {
      const signature = carried.get(textOf(item.call_id));
      const signed = signature === undefined ? {} : { signature };
      const args = textOf(item.arguments) || '{}';
      return [{ type: 'tool-call', id: textOf(item.call_id), name: textOf(item.name), arguments: args, ...signed }];
    }
    default:
      return [];
  }
}

/** Why a response ended: its status, and what it holds. */
export function readResponseStop(body: Json, parts: readonly { type: string }[]): NeutralStop {
  if (body.status === 'incomplete') {
    return jsonOf(body.incomplete_details).reason === 'content_filter' ? 'content-filter' : 'length';
  }
  if (parts.some((part) => part.type === 'tool-call')) return 'tool-calls';
  return parts.some((part) => part.type === 'refusal') ? 'refusal' : 'stop';
}
