import { UnsupportedFeature } from '@ownkey/contract/dialect';
import type { NeutralMessage, NeutralPart } from '@ownkey/contract/neutral';
import type { Wire } from '@ownkey/contract/provider';
import { type Json, jsonOf, jsonsOf, textOf, textOrNull } from '../../json.ts';
import { refuse } from '../../support.ts';
import { sourceOf } from '../../translate/data-url.ts';
import { unpackSignature } from '../../translate/signature.ts';

const FROM: Wire = 'openai-responses';
/** Id under which thinking of which only the encrypted form exists travels in this wire. */
export const REDACTED = 'redacted';

/** `input` of a request: a text, or items. What the assistant did between two turns of the user becomes one message. */
export function readItems(input: unknown, to: Wire): NeutralMessage[] {
  if (typeof input === 'string') return [{ role: 'user', parts: [{ type: 'text', text: input }] }];
  if (!Array.isArray(input)) throw new UnsupportedFeature('input', '"input" must be a text or a list of items.');
  const messages: NeutralMessage[] = [];
  /** Signatures of tool calls that travelled in a reasoning item before their call. */
  const carried = new Map<string, string>();
  const assistant = (...parts: NeutralPart[]): void => {
    const last = messages.at(-1);
    if (last?.role === 'assistant') last.parts.push(...parts);
    else messages.push({ role: 'assistant', parts });
  };
  input.forEach((value: unknown, index) => {
    const item = jsonOf(value);
    const where = `input[${index}]`;
    switch (item.type ?? 'message') {
      case 'message': {
        const parts = readContent(item.content, `${where}.content`, to);
        if (item.role === 'assistant') assistant(...parts);
        else messages.push({ role: roleOf(item.role, where), parts });
        break;
      }
      case 'reasoning': {
        const part = readReasoningItem(item, carried);
        if (part) assistant(part);
        break;
      }
      case 'function_call': {
        const id = textOf(item.call_id);
        const signature = carried.get(id);
        const signed = signature === undefined ? {} : { signature };
        const args = textOf(item.arguments) || '{}';
        assistant({ type: 'tool-call', id, name: textOf(item.name), arguments: args, ...signed });
        break;
      }
      case 'function_call_output': {
        const content = readContent(item.output, `${where}.output`, to);
        messages.push({ role: 'tool', parts: [{ type: 'tool-result', callId: textOf(item.call_id), content }] });
        break;
      }
      case 'item_reference':
        refuse(FROM, to, 'input.item_reference', where);
        break;
      default:
        refuse(FROM, to, 'input.item', where);
    }
  });
  return messages;
}

function roleOf(role: unknown, where: string): NeutralMessage['role'] {
  if (role === 'user' || role === 'system' || role === 'developer') return role;
  throw new UnsupportedFeature(`${where}.role`, `${where}.role is not a role of this API.`);
}

/** A reasoning item, also of an answer; null for one that only carries a tool call's signature. */
export function readReasoningItem(item: Json, carried: Map<string, string>): NeutralPart | null {
  const summary = jsonsOf(item.summary).map((part) => textOf(part.text));
  const raw = jsonsOf(item.content).map((part) => textOf(part.text));
  const text = [...summary, ...raw].join('\n\n');
  const own = textOrNull(item.id);
  const id = own === null ? {} : { id: own };
  const encrypted = textOrNull(item.encrypted_content);
  if (encrypted === null) return { type: 'thinking', text, ...id };
  const { format, id: owner, signature } = unpackSignature(encrypted, 'openai-responses-v1');
  if (format === 'google-gemini-v1') {
    carried.set(owner, signature);
    return text === '' ? null : { type: 'thinking', text, ...id };
  }
  if (owner === REDACTED) return { type: 'redacted-thinking', data: signature, format };
  return { type: 'thinking', text, signature, format, ...id };
}

function readContent(content: unknown, where: string, to: Wire): NeutralPart[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  if (content === undefined || content === null) return [];
  if (!Array.isArray(content)) throw new UnsupportedFeature(where, `${where} must be a text or a list of parts.`);
  return content.map((value: unknown, index) => readPart(jsonOf(value), `${where}[${index}]`, to));
}

function readPart(part: Json, where: string, to: Wire): NeutralPart {
  switch (part.type) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return { type: 'text', text: textOf(part.text) };
    case 'refusal':
      return { type: 'refusal', text: textOf(part.refusal) };
    case 'input_image': {
      const url = textOrNull(part.image_url);
      if (url === null) throw new UnsupportedFeature(where, 'Images by file id cannot be sent to another provider.');
      const detail = textOrNull(part.detail);
      return { type: 'image', source: sourceOf(url), ...(detail === null ? {} : { detail }) };
    }
    case 'input_file': {
      const id = textOrNull(part.file_id);
      const filename = textOrNull(part.filename);
      const named = filename === null ? {} : { filename };
      const data = sourceOf(textOf(part.file_data) || textOf(part.file_url));
      return { type: 'file', source: id === null ? data : { kind: 'id', id }, ...named };
    }
    default:
      return refuse(FROM, to, 'input.content', where);
  }
}
