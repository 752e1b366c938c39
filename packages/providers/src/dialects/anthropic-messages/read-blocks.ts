import { UnsupportedFeature } from '@ownkey/contract/dialect';
import type { NeutralPart } from '@ownkey/contract/neutral';
import type { Wire } from '@ownkey/contract/provider';
import { type Json, jsonOf, textOf, textOrNull } from '../../json.ts';
import { refuse } from '../../support.ts';
import { unpackSignature } from '../../translate/signature.ts';

const FROM: Wire = 'anthropic-messages';
/** A tool call's signature that travelled in a block of its own; it belongs to the call that follows. */
interface Carried {
  callId: string;
  signature: string;
}

/** Content of a message, the system prompt or a tool result: a text, or blocks. Throws UnsupportedFeature. */
export function readBlocks(content: unknown, where: string, to: Wire): NeutralPart[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  if (content === undefined || content === null) return [];
  if (!Array.isArray(content)) throw new UnsupportedFeature(where, `${where} must be a text or a list of blocks.`);
  const parts: NeutralPart[] = [];
  const carried: Carried[] = [];
  content.forEach((value: unknown, index) => {
    const part = readBlock(jsonOf(value), `${where}[${index}]`, to, carried);
    if (part) parts.push(part);
  });
  return parts;
}

/** One block; null for one that only carries a signature (added to `carried`). */
export function readBlock(block: Json, where: string, to: Wire, carried: Carried[]): NeutralPart | null {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: textOf(block.text), ...cacheOf(block) };
    case 'image':
      return { type: 'image', source: imageSource(jsonOf(block.source), where), ...cacheOf(block) };
    case 'document':
      return readDocument(block, where, to);
    case 'thinking':
      return readThinking(block);
    case 'redacted_thinking': {
      const { format, id, signature } = unpackSignature(textOf(block.data), 'anthropic-claude-v1');
      if (format !== 'google-gemini-v1') return { type: 'redacted-thinking', data: signature, format };
      carried.push({ callId: id, signature });
      return null;
    }
    case 'tool_use': {
      const id = textOf(block.id);
      const signature = carried.find(({ callId }) => callId === id)?.signature;
      const args = JSON.stringify(block.input ?? {});
      const base = { type: 'tool-call' as const, id, name: textOf(block.name), arguments: args };
      return { ...base, ...(signature === undefined ? {} : { signature }), ...cacheOf(block) };
    }
    case 'tool_result':
      return {
        type: 'tool-result',
        callId: textOf(block.tool_use_id),
        content: readBlocks(block.content, `${where}.content`, to),
        ...(block.is_error === true ? { isError: true } : {}),
        ...cacheOf(block),
      };
    case 'search_result':
      return refuse(FROM, to, 'messages.content.search_result', where);
    default:
      return isServerSide(textOf(block.type))
        ? refuse(FROM, to, 'messages.content.server_tool', where)
        : refuse(FROM, to, 'messages.content.other', where);
  }
}

function readThinking(block: Json): NeutralPart {
  const text = textOf(block.thinking);
  const written = textOrNull(block.signature);
  if (written === null) return { type: 'thinking', text };
  const { format, id, signature } = unpackSignature(written, 'anthropic-claude-v1');
  if (format === 'google-gemini-v1') return { type: 'thinking', text };
  return { type: 'thinking', text, signature, format, ...(id === '' ? {} : { id }) };
}

/** Blocks that a provider's own tools leave in a conversation. */
export function isServerSide(type: string): boolean {
  return (
    type === 'server_tool_use' ||
    type === 'mcp_tool_use' ||
    type.endsWith('_tool_result') ||
    type.startsWith('container_')
  );
}

function imageSource(source: Json, where: string): Extract<NeutralPart, { type: 'image' }>['source'] {
  if (source.type === 'url') return { kind: 'url', url: textOf(source.url) };
  if (source.type === 'base64') {
    return { kind: 'base64', mediaType: textOf(source.media_type), data: textOf(source.data) };
  }
  throw new UnsupportedFeature(`${where}.source`, 'Images by file id cannot be sent to another provider.');
}

function readDocument(block: Json, where: string, to: Wire): NeutralPart {
  const source = jsonOf(block.source);
  if (jsonOf(block.citations).enabled === true) return refuse(FROM, to, 'messages.content.citations', where);
  const filename = textOrNull(block.title);
  const named = { ...(filename === null ? {} : { filename }), ...cacheOf(block) };
  switch (source.type) {
    case 'text':
      return { type: 'text', text: textOf(source.data), ...cacheOf(block) };
    case 'base64':
      return {
        type: 'file',
        source: { kind: 'base64', mediaType: textOf(source.media_type), data: textOf(source.data) },
        ...named,
      };
    case 'url':
      return { type: 'file', source: { kind: 'url', url: textOf(source.url) }, ...named };
    case 'file':
      return { type: 'file', source: { kind: 'id', id: textOf(source.file_id) }, ...named };
    default:
      return refuse(FROM, to, 'messages.content.other', where);
  }
}

function cacheOf(block: Json): { cacheControl?: unknown } {
  return block.cache_control === undefined ? {} : { cacheControl: block.cache_control };
}
