import type { NeutralAnswer, NeutralPart } from '@ownkey/contract/neutral';
import { NO_USAGE } from '@ownkey/contract/usage';
import { isJson, type Json, parseJson } from '../../json.ts';
import { MalformedAnswer } from '../../translate/malformed.ts';
import { packSignature } from '../../translate/signature.ts';
import { writeMessagesUsage } from './read-usage.ts';
import { writeStop } from './stop.ts';

/** A neutral answer as a message. Throws MalformedAnswer where a tool call's arguments are no JSON object. */
export function buildMessagesAnswer(answer: NeutralAnswer): Json {
  return {
    id: answer.id,
    type: 'message',
    role: 'assistant',
    model: answer.model,
    content: answer.parts.flatMap(writeBlocks),
    stop_reason: writeStop(answer.stop),
    stop_sequence: answer.stopSequence ?? null,
    usage: writeMessagesUsage(answer.usage ?? NO_USAGE),
  };
}

function writeBlocks(part: NeutralPart): Json[] {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return [{ type: 'text', text: part.text }];
    case 'thinking':
      return [{ type: 'thinking', thinking: part.text, signature: signatureOf(part) }];
    case 'redacted-thinking':
      return [{ type: 'redacted_thinking', data: redactedData(part) }];
    case 'tool-call': {
      const input = parseJson(part.arguments.trim() || '{}');
      if (!isJson(input))
        throw new MalformedAnswer('The provider sent a tool call whose arguments are no JSON object.');
      const block = { type: 'tool_use', id: part.id, name: part.name, input };
      return part.signature === undefined ? [block] : [carrierOf(part.id, part.signature), block];
    }
    default:
      return [];
  }
}

/** Signatures of other providers travel marked with whose they are. */
export function signatureOf(part: Extract<NeutralPart, { type: 'thinking' }>): string {
  if (part.signature === undefined) return '';
  const format = part.format ?? 'anthropic-claude-v1';
  return packSignature({ format, id: part.id ?? '', signature: part.signature }, 'anthropic-claude-v1');
}

export function redactedData(part: Extract<NeutralPart, { type: 'redacted-thinking' }>): string {
  const format = part.format ?? 'anthropic-claude-v1';
  return packSignature({ format, id: '', signature: part.data }, 'anthropic-claude-v1');
}

/** A block before a tool call that carries the call's signature; clients of this wire send such blocks back unchanged. */
export function carrierOf(callId: string, signature: string): Json {
  const data = packSignature({ format: 'google-gemini-v1', id: callId, signature }, 'anthropic-claude-v1');
  return { type: 'redacted_thinking', data };
}
