import type { NeutralPart, SignatureFormat } from '@ownkey/contract/neutral';
import { defined, type Json, jsonsOf, textOf, textOrNull } from '../../json.ts';

/**
 * Reasoning in chat messages. Its text is `reasoning_content` (or `reasoning`); where it bears signatures, they and the text they
 * sign are in `reasoning_details`, a list in the form OpenRouter introduced (openrouter.ai/docs/use-cases/reasoning-tokens). A
 * client that sends the assistant's message back as it got it returns them unchanged.
 */
export function readReasoning(message: Json): NeutralPart[] {
  const details = jsonsOf(message.reasoning_details);
  if (details.length > 0) return readDetails(details);
  const text = textOrNull(message.reasoning_content) ?? textOrNull(message.reasoning);
  return text === null ? [] : [{ type: 'thinking', text }];
}

function readDetails(details: Json[]): NeutralPart[] {
  const parts: NeutralPart[] = [];
  for (const detail of details) {
    const format = formatOf(detail.format);
    const id = textOrNull(detail.id);
    const base = { ...(format ? { format } : {}), ...(id === null ? {} : { id }) };
    const last = parts.at(-1);
    if (detail.type === 'reasoning.encrypted') {
      const data = textOf(detail.data);
      if (format === 'anthropic-claude-v1') parts.push({ type: 'redacted-thinking', data, format });
      else if (last?.type === 'thinking' && last.id !== undefined && last.id === id) last.signature = data;
      else parts.push({ type: 'thinking', text: '', signature: data, ...base });
      continue;
    }
    const text = textOf(detail.text) || textOf(detail.summary);
    const signature = textOrNull(detail.signature);
    const isSame = last?.type === 'thinking' && last.signature === undefined && last.id === (id ?? undefined);
    // Streamed pieces of one block come as several entries; a signature ends a block.
    if (isSame && last) {
      last.text += text;
      if (signature !== null) last.signature = signature;
      if (format) last.format = format;
    } else parts.push({ type: 'thinking', text, ...(signature === null ? {} : { signature }), ...base });
  }
  return parts;
}

/** `reasoning_content` and, where anything is signed, `reasoning_details` of a message; empty where nothing was thought. */
export function writeReasoning(parts: readonly NeutralPart[]): Json {
  let text = '';
  let isSigned = false;
  const details: Json[] = [];
  for (const part of parts) {
    if (part.type !== 'thinking' && part.type !== 'redacted-thinking') continue;
    if (part.type === 'thinking') text += part.text;
    isSigned ||= part.type === 'redacted-thinking' || part.signature !== undefined;
    details.push(...detailsOf(part).map((detail) => ({ ...detail, index: details.length })));
  }
  return defined({
    reasoning_content: text === '' ? undefined : text,
    reasoning_details: isSigned ? details : undefined,
  });
}

type Thinking = Extract<NeutralPart, { type: 'thinking' | 'redacted-thinking' }>;

/** Entries of `reasoning_details` for one block of thinking. */
export function detailsOf(part: Thinking): Json[] {
  const format = part.format ?? 'unknown';
  if (part.type === 'redacted-thinking') return [{ type: 'reasoning.encrypted', data: part.data, format }];
  if (part.format === 'openai-responses-v1') {
    const base = defined({ id: part.id, format });
    const summary = part.text === '' ? [] : [{ type: 'reasoning.summary', summary: part.text, ...base }];
    return part.signature === undefined
      ? summary
      : [...summary, { type: 'reasoning.encrypted', data: part.signature, ...base }];
  }
  return [defined({ type: 'reasoning.text', text: part.text, signature: part.signature, format })];
}

function formatOf(value: unknown): SignatureFormat | undefined {
  return value === 'anthropic-claude-v1' || value === 'openai-responses-v1' ? value : undefined;
}
