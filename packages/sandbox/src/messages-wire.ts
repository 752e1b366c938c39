/** Writes answers of the Anthropic Messages API. Reference: https://docs.claude.com/en/docs/build-with-claude/streaming */
import type { Answer, Finish } from './answer.ts';
import { makeSignature } from './ask-messages.ts';
import { type Json, type JsonObject, objectOf, parseJson } from './json.ts';
import type { Mint } from './mint.ts';
import type { SandboxModel } from './profile.ts';
import { piecesOf } from './tokens.ts';

export interface MessagesContext {
  model: SandboxModel;
  answer: Answer;
  id: string;
  mint: Mint;
  duplicateIds: boolean;
  /** Wrong tool arguments cannot be shown in whole answers, which carry them parsed. */
  usageInstead: { instead: Json | undefined } | null;
}

const PIECE = 9;

export function messagesAnswer(context: MessagesContext): JsonObject {
  const { answer, model, id } = context;
  const blocks = blocksOf(context).map((block) =>
    block.type === 'tool_use' ? { ...block.start, input: objectOf(parseJson(block.pieces.join(''))) } : whole(block),
  );
  const usage = context.usageInstead ? context.usageInstead.instead : wholeUsage(answer);
  return {
    model: model.answersAs,
    id,
    type: 'message',
    role: 'assistant',
    content: blocks,
    stop_reason: stopReason(answer.finish),
    stop_sequence: answer.stopSequence,
    stop_details: null,
    ...(usage === undefined ? {} : { usage }),
  };
}

/** The frames of a stream, in order, `message_stop` last. */
export function messagesFrames(context: MessagesContext): string[] {
  const { answer, model, id, mint } = context;
  const usageInstead = context.usageInstead;
  const usageAt = (full: boolean, output: number): Json | undefined =>
    usageInstead ? usageInstead.instead : usageOf(answer, full, output);
  const started: JsonObject = {
    model: model.answersAs,
    id,
    type: 'message',
    role: 'assistant',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
  };
  const startUsage = usageAt(true, Math.min(1, answer.usage.output));
  if (startUsage !== undefined) started.usage = startUsage;
  const frames = [paddedFrame('message_start', { message: started }, mint)];
  blocksOf(context).forEach((block, index) => {
    frames.push(paddedFrame('content_block_start', { index, content_block: block.start }, mint));
    if (index === 0) frames.push('event: ping\ndata: {"type": "ping"}\n\n');
    for (const delta of deltasOf(block)) frames.push(paddedFrame('content_block_delta', { index, delta }, mint));
    frames.push(paddedFrame('content_block_stop', { index }, mint));
  });
  const delta = { stop_reason: stopReason(answer.finish), stop_sequence: answer.stopSequence, stop_details: null };
  const endUsage = usageAt(false, answer.usage.output);
  frames.push(paddedFrame('message_delta', endUsage === undefined ? { delta } : { delta, usage: endUsage }, mint));
  frames.push(paddedFrame('message_stop', {}, mint));
  return frames;
}

/** Reference: https://docs.claude.com/en/docs/build-with-claude/streaming#error-events */
export function messagesErrorFrames(): string[] {
  return ['event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'];
}

interface Block {
  type: 'thinking' | 'text' | 'tool_use';
  start: JsonObject;
  pieces: string[];
  signature: string;
}

function blocksOf({ answer, mint, duplicateIds }: MessagesContext): Block[] {
  const blocks: Block[] = [];
  if (answer.thinking !== '')
    blocks.push({
      type: 'thinking',
      start: { type: 'thinking', thinking: '', signature: '' },
      pieces: piecesOf(answer.thinking),
      signature: makeSignature(mint.text('alnum', 200)),
    });
  const said = answer.refusal ?? answer.text;
  if (said !== '')
    blocks.push({ type: 'text', start: { type: 'text', text: '' }, pieces: piecesOf(said), signature: '' });
  for (const call of answer.toolCalls) {
    const id = (duplicateIds ? answer.toolCalls[0]?.id : call.id) ?? call.id;
    blocks.push({
      type: 'tool_use',
      start: { type: 'tool_use', id, name: call.name, input: {}, caller: { type: 'direct' } },
      pieces: cut(call.arguments),
      signature: '',
    });
  }
  return blocks;
}

function whole(block: Block): JsonObject {
  const text = block.pieces.join('');
  return block.type === 'thinking'
    ? { type: 'thinking', thinking: text, signature: block.signature }
    : { type: 'text', text };
}

function deltasOf(block: Block): JsonObject[] {
  if (block.type === 'text') return block.pieces.map((text) => ({ type: 'text_delta', text }));
  if (block.type === 'tool_use')
    return ['', ...block.pieces].map((partial_json) => ({ type: 'input_json_delta', partial_json }));
  return [
    ...block.pieces.map((thinking) => ({ type: 'thinking_delta', thinking })),
    { type: 'signature_delta', signature: block.signature },
  ];
}

/** No arguments at all are streamed as nothing but an empty piece. */
function cut(text: string): string[] {
  if (text === '{}') return [];
  const pieces: string[] = [];
  for (let start = 0; start < text.length; start += PIECE) pieces.push(text.slice(start, start + PIECE));
  return pieces;
}

/**
 * `input_tokens` leaves cache reads and writes out. The closing event repeats the input counts without the split by lifetime.
 * Reference: https://docs.claude.com/en/docs/build-with-claude/prompt-caching
 */
function usageOf(answer: Answer, full: boolean, output: number): JsonObject {
  const { input, cacheRead, cacheWrite5m, cacheWrite1h } = answer.usage;
  const written = cacheWrite5m + cacheWrite1h;
  const counts: JsonObject = {
    input_tokens: input - cacheRead - written,
    cache_creation_input_tokens: written,
    cache_read_input_tokens: cacheRead,
  };
  if (full)
    counts.cache_creation = { ephemeral_5m_input_tokens: cacheWrite5m, ephemeral_1h_input_tokens: cacheWrite1h };
  counts.output_tokens = output;
  if (full) return { ...counts, service_tier: 'standard', inference_geo: 'not_available' };
  return { ...counts, ...thinkingCount(answer) };
}

function wholeUsage(answer: Answer): JsonObject {
  return { ...usageOf(answer, true, answer.usage.output), ...thinkingCount(answer) };
}

function thinkingCount({ usage }: Answer): JsonObject {
  return usage.reasoning > 0 ? { output_tokens_details: { thinking_tokens: usage.reasoning } } : {};
}

function stopReason(finish: Finish): string {
  const names: Record<Finish, string> = {
    stop: 'end_turn',
    length: 'max_tokens',
    tool_calls: 'tool_use',
    refusal: 'refusal',
    stop_sequence: 'stop_sequence',
  };
  return names[finish];
}

/** Anthropic pads its events with spaces before the last brace, so that their lengths tell nothing. */
function paddedFrame(type: string, rest: JsonObject, mint: Mint): string {
  const data = JSON.stringify({ type, ...rest });
  return `event: ${type}\ndata: ${data.slice(0, -1)}${' '.repeat(mint.number(15))}}\n\n`;
}
