import type { Quirks } from '@ownkey/contract/provider';
import { isJson, type Json, jsonOf, jsonsOf, listOf } from '../json.ts';

const CALLS = Buffer.from('"tool_calls"');
const SIGNATURE = Buffer.from('"thought_signature"');
const REASONING = Buffer.from('"reasoning_content"');

/**
 * Quirks that reach into messages, so that the body has to be written anew: a tool call that came back without the signature it
 * left with (clients drop what they do not know), and reasoning of earlier turns for a provider that takes it as content parts.
 */
export function rewriteNeeded(body: Buffer, quirks: Quirks): boolean {
  if (quirks.tool_signature_filler && body.includes(CALLS) && !body.includes(SIGNATURE)) return true;
  return quirks.content_parts === true && body.includes(REASONING);
}

/** The body with those quirks applied; what needs nothing is the same object. */
export function rewriteChatRequest(body: Json, quirks: Quirks): Json {
  if (!Array.isArray(body.messages)) return body;
  const messages = body.messages.map((message: unknown) => {
    if (!isJson(message) || message.role !== 'assistant') return renameRole(message, quirks);
    let rewritten = message;
    if (quirks.tool_signature_filler) rewritten = fillSignature(rewritten, quirks.tool_signature_filler);
    if (quirks.content_parts) rewritten = reasoningAsPart(rewritten);
    return rewritten;
  });
  return { ...body, messages };
}

function renameRole(message: unknown, quirks: Quirks): unknown {
  return quirks.no_developer_role && isJson(message) && message.role === 'developer'
    ? { ...message, role: 'system' }
    : message;
}

/** The first tool call of a step needs a signature; the provider names a value for calls that lost theirs. */
function fillSignature(message: Json, filler: string): Json {
  const [first, ...rest] = listOf(message.tool_calls);
  if (!isJson(first)) return message;
  const extra = jsonOf(first.extra_content);
  const google = jsonOf(extra.google);
  if (typeof google.thought_signature === 'string') return message;
  const signed = { ...first, extra_content: { ...extra, google: { ...google, thought_signature: filler } } };
  return { ...message, tool_calls: [signed, ...rest] };
}

function reasoningAsPart(message: Json): Json {
  const { reasoning_content: reasoning, ...rest } = message;
  if (typeof reasoning !== 'string') return message;
  if (reasoning === '') return rest;
  const text = typeof rest.content === 'string' && rest.content !== '' ? [{ type: 'text', text: rest.content }] : [];
  const parts = Array.isArray(rest.content) ? jsonsOf(rest.content) : text;
  return { ...rest, content: [{ type: 'thinking', thinking: [{ type: 'text', text: reasoning }] }, ...parts] };
}
