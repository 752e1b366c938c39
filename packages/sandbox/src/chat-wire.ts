/** Writes chat completions in the shape of one provider (its profile): whole answers and streams. */
import type { Answer, Finish } from './answer.ts';
import type { Json, JsonObject } from './json.ts';
import type { Mint } from './mint.ts';
import type { ChatShape, ChunkKind, SandboxModel } from './profile.ts';
import { DONE_FRAME, dataFrame } from './sse.ts';
import { fill, fillObject, fillString, type TemplateValues } from './template.ts';
import { piecesOf } from './tokens.ts';
import { usageValues } from './usage-values.ts';

/** What is wrong on purpose in an otherwise good answer. */
export interface ChatFaults {
  /** Every streamed tool call carries index 0. */
  sameIndex: boolean;
  /** Every tool call carries the id of the first. */
  duplicateIds: boolean;
  /** Stands in place of the usage object; undefined in `usage` leaves usage out. */
  usage: { instead: Json | undefined } | null;
}

export interface ChatContext {
  shape: ChatShape;
  model: SandboxModel;
  /** The model's name as the request wrote it. */
  askedModel: string;
  reasoningOnTop: boolean;
  answer: Answer;
  id: string;
  created: number;
  includeUsage: boolean;
  mint: Mint;
  faults: ChatFaults;
}

/** Number of pieces that streamed tool arguments come in, where they come in pieces. */
const ARGUMENT_PIECE = 9;

export function chatAnswer(context: ChatContext): JsonObject {
  const { shape, answer, mint } = context;
  const usage = usageOf(context);
  // Where the provider has no field for a refusal, it is text.
  const refusal = shape.stream.chunks.refusal ? answer.refusal : null;
  const text = refusal === null ? (answer.refusal ?? answer.text) : answer.text;
  const toolCalls = answer.toolCalls.map((_call, at) => fillObject(shape.toolCall, callValues(context, at), mint));
  const values = {
    ...baseValues(context),
    content: text === '' && (toolCalls.length > 0 || refusal !== null) ? undefined : text,
    content_parts: contentParts(answer.thinking, text),
    thinking: answer.thinking === '' ? undefined : answer.thinking,
    refusal: refusal ?? undefined,
    tool_calls: toolCalls.length > 0 ? toolCalls : undefined,
    finish: finishName(answer.finish, 'tool_calls'),
    native_finish: nativeFinish(answer.finish),
  };
  const choices = [fillObject(shape.choice, values, mint)];
  return fillObject(shape.answer, { ...values, choices, usage }, mint);
}

/** The frames of a stream, in order, with the closing `[DONE]`. */
export function chatFrames(context: ChatContext): string[] {
  const writer = new ChunkWriter(context);
  const { shape, answer } = context;
  const { chunks, finishOnLast } = shape.stream;
  writer.add('start', {});
  for (const piece of piecesOf(answer.thinking)) writer.add('reasoning', { piece });
  for (const piece of piecesOf(answer.text)) writer.add('text', { piece });
  for (const piece of piecesOf(answer.refusal ?? '')) writer.add(chunks.refusal ? 'refusal' : 'text', { piece });
  answer.toolCalls.forEach((call, at) => {
    const values = callValues(context, at);
    writer.add('tool', chunks.tool_args ? { ...values, arguments: '' } : values);
    if (!chunks.tool_args) return;
    for (let start = 0; start < call.arguments.length; start += ARGUMENT_PIECE)
      writer.add('tool_args', { ...values, arguments: call.arguments.slice(start, start + ARGUMENT_PIECE) });
  });
  if (finishOnLast && !writer.hasContent()) writer.add('text', { piece: '' });
  writer.finish();
  return [...leadFrames(context), ...writer.frames(), DONE_FRAME];
}

/** The frame that breaks a stream off with the provider's error, and what still follows it. */
export function chatErrorFrames(context: ChatContext): string[] {
  const { shape, mint } = context;
  const text = fillString(shape.stream.error, { ...baseValues(context), message: 'The model is overloaded.' }, mint);
  return shape.stream.errorDone ? [text, DONE_FRAME] : [text];
}

function leadFrames(context: ChatContext): string[] {
  return context.shape.stream.lead === '' ? [] : [context.shape.stream.lead];
}

interface PendingChunk {
  kind: ChunkKind;
  values: TemplateValues;
}

class ChunkWriter {
  readonly #context: ChatContext;
  readonly #pending: PendingChunk[] = [];

  constructor(context: ChatContext) {
    this.#context = context;
  }

  /** Adds a chunk; kinds that the provider does not send are left out. */
  add(kind: ChunkKind, values: TemplateValues): void {
    if (this.#context.shape.stream.chunks[kind]) this.#pending.push({ kind, values });
  }

  hasContent(): boolean {
    return this.#pending.some((chunk) => chunk.kind !== 'start');
  }

  finish(): void {
    const { shape, answer, includeUsage } = this.#context;
    const { usageOnRequest, finishOnLast, toolFinish } = shape.stream;
    const usage = includeUsage || !usageOnRequest ? usageOf(this.#context) : undefined;
    const finish = finishName(answer.finish, toolFinish);
    const values = { finish, native_finish: nativeFinish(answer.finish), usage };
    const last = this.#pending.at(-1);
    if (finishOnLast && last) last.values = { ...last.values, ...values };
    else this.add('finish', values);
    if (usage !== undefined) this.add('usage', values);
  }

  frames(): string[] {
    const { shape, answer, mint, includeUsage } = this.#context;
    const usageSoFar = includeUsage ? usageOf(this.#context) : undefined;
    return this.#pending.map(({ kind, values }, at) => {
      const chunk = shape.stream.chunks[kind];
      if (!chunk) return '';
      const all: TemplateValues = {
        ...baseValues(this.#context),
        ...emptyChunkValues,
        start_content: answer.thinking === '' ? '' : null,
        start_thinking: answer.thinking === '' ? undefined : '',
        no_thinking: answer.thinking === '' ? undefined : null,
        first_role: at === 0 ? 'assistant' : undefined,
        usage_null: includeUsage ? null : undefined,
        usage_so_far: usageSoFar,
        ...values,
      };
      const choices = chunk.choice === null ? [] : [fillObject(chunk.choice, all, mint)];
      const envelope = fillObject(shape.stream.envelope, { ...all, choices }, mint);
      return dataFrame({ ...envelope, ...fillObject(chunk.top, all, mint) });
    });
  }
}

const emptyChunkValues: TemplateValues = {
  piece: undefined,
  finish: undefined,
  native_finish: undefined,
  usage: undefined,
  index: undefined,
  call_id: undefined,
  name: undefined,
  arguments: undefined,
  extra_content: undefined,
};

function baseValues(context: ChatContext): TemplateValues {
  return { id: context.id, created: context.created, model: context.model.answersAs, asked_model: context.askedModel };
}

function callValues(context: ChatContext, at: number): TemplateValues {
  const { answer, faults } = context;
  const call = answer.toolCalls[at];
  const first = answer.toolCalls[0];
  const signature = call?.signature ?? null;
  return {
    index: faults.sameIndex ? 0 : at,
    call_id: (faults.duplicateIds ? first?.id : call?.id) ?? '',
    name: call?.name ?? '',
    arguments: call?.arguments ?? '',
    extra_content: signature === null ? undefined : { google: { thought_signature: signature } },
  };
}

function usageOf(context: ChatContext): Json | undefined {
  if (context.faults.usage) return context.faults.usage.instead;
  const values = usageValues(context.answer.usage, context.model, context.reasoningOnTop);
  return fill(context.shape.usage, values, context.mint);
}

/** Mistral's form: a list of parts as soon as there is thinking. Reference: https://docs.mistral.ai/capabilities/reasoning/ */
function contentParts(thinking: string, text: string): Json {
  if (thinking === '') return text;
  return [
    { type: 'thinking', thinking: [{ type: 'text', text: thinking }], closed: true },
    { type: 'text', text },
  ];
}

function finishName(finish: Finish, toolFinish: string): string {
  if (finish === 'tool_calls') return toolFinish;
  return finish === 'length' ? 'length' : 'stop';
}

/** Finish reason in the words of the provider behind a router. */
function nativeFinish(finish: Finish): string {
  if (finish === 'tool_calls') return 'tool_calls';
  return finish === 'length' ? 'max_output_tokens' : 'completed';
}
