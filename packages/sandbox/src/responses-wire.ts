/** Writes answers of the OpenAI Responses API. Reference: https://platform.openai.com/docs/api-reference/responses-streaming */
import type { Answer } from './answer.ts';
import { type Json, type JsonObject, objectOf, objectsOf, stringsOf } from './json.ts';
import type { Mint } from './mint.ts';
import { CREATED } from './models-wire.ts';
import type { SandboxModel } from './profile.ts';
import { eventFrame } from './sse.ts';
import type { StoredResponses } from './stored-responses.ts';
import { piecesOf } from './tokens.ts';

export interface ResponsesContext {
  model: SandboxModel;
  answer: Answer;
  request: JsonObject;
  mint: Mint;
  usageInstead: { instead: Json | undefined } | null;
  duplicateIds: boolean;
  stored: StoredResponses;
}

const PIECE = 9;

export function responsesAnswer(context: ResponsesContext): JsonObject {
  const ids = idsOf(context);
  const output = itemsOf(context, ids.suffix).map((item) => item.done);
  return responseObject(context, ids.response, ending(context.answer), output, true);
}

/** The frames of a stream, in order, the one with the whole response last. */
export function responsesFrames(context: ResponsesContext): string[] {
  const ids = idsOf(context);
  const items = itemsOf(context, ids.suffix);
  const end = ending(context.answer);
  const frames: string[] = [];
  const send = (type: string, rest: JsonObject): void => {
    frames.push(eventFrame(type, { type, ...rest, sequence_number: frames.length }));
  };
  const begun = responseObject(context, ids.response, 'in_progress', [], false);
  send('response.created', { response: begun });
  send('response.in_progress', { response: begun });
  items.forEach((item, output_index) => {
    send('response.output_item.added', { item: item.added, output_index });
    for (const event of item.events(output_index, context.mint)) send(event.type, event.rest);
    send('response.output_item.done', { item: item.done, output_index });
  });
  const output = items.map((item) => item.done);
  send(`response.${end}`, { response: responseObject(context, ids.response, end, output, false) });
  return frames;
}

export function responsesErrorFrames(): string[] {
  const type = 'error';
  const error = { type: 'server_error', code: 'server_error', message: 'The server had an error.', param: null };
  return [eventFrame(type, { type, error, sequence_number: 99 })];
}

function idsOf({ mint, request, stored }: ResponsesContext): { response: string; suffix: string } {
  const suffix = mint.text('hex', 50);
  if (request.store !== false) stored.add(`resp_${suffix}`);
  return { response: `resp_${suffix}`, suffix };
}

function ending(answer: Answer): 'completed' | 'incomplete' {
  return answer.finish === 'length' ? 'incomplete' : 'completed';
}

function responseObject(
  { model, answer, request, usageInstead }: ResponsesContext,
  id: string,
  status: string,
  output: JsonObject[],
  whole: boolean,
): JsonObject {
  const running = status === 'in_progress';
  const usage = running ? null : usageInstead ? usageInstead.instead : usageOf(answer);
  return {
    id,
    object: 'response',
    created_at: CREATED,
    status,
    background: false,
    ...(whole ? { billing: { payer: 'developer' } } : {}),
    completed_at: status === 'completed' ? CREATED : null,
    error: null,
    frequency_penalty: 0,
    incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    max_tool_calls: request.max_tool_calls ?? null,
    model: model.answersAs,
    moderation: null,
    output,
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    presence_penalty: 0,
    previous_response_id: request.previous_response_id ?? null,
    prompt_cache_key: request.prompt_cache_key ?? null,
    prompt_cache_retention: null,
    reasoning: { effort: objectOf(request.reasoning).effort ?? (model.reasoning ? 'medium' : null), summary: null },
    safety_identifier: null,
    service_tier: running ? 'auto' : 'default',
    store: request.store ?? true,
    temperature: request.temperature ?? 1,
    text: { format: objectOf(request.text).format ?? { type: 'text' }, verbosity: 'medium' },
    tool_choice: request.tool_choice ?? 'auto',
    tools: objectsOf(request.tools),
    top_logprobs: 0,
    top_p: request.top_p ?? 1,
    truncation: 'disabled',
    ...(usage === undefined ? {} : { usage }),
    user: request.user ?? null,
    metadata: objectOf(request.metadata),
  };
}

function usageOf({ usage }: Answer): JsonObject {
  return {
    input_tokens: usage.input,
    input_tokens_details: { cached_tokens: usage.cacheRead },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: usage.reasoning },
    total_tokens: usage.input + usage.output,
  };
}

interface StreamEvent {
  type: string;
  rest: JsonObject;
}

interface Item {
  added: JsonObject;
  done: JsonObject;
  events: (outputIndex: number, mint: Mint) => StreamEvent[];
}

function itemsOf(context: ResponsesContext, suffix: string): Item[] {
  const { answer } = context;
  const items: Item[] = [];
  const status = answer.finish === 'length' ? 'incomplete' : 'completed';
  if (answer.thinking !== '') items.push(reasoningItem(context, suffix));
  if (answer.refusal !== null) items.push(messageItem(`msg_${suffix}`, 'refusal', answer.refusal, status));
  else if (answer.text !== '') items.push(messageItem(`msg_${suffix}`, 'output_text', answer.text, status));
  answer.toolCalls.forEach((call, at) => {
    const callId = (context.duplicateIds ? answer.toolCalls[0]?.id : call.id) ?? call.id;
    items.push(functionItem(`fc_${at}${suffix.slice(1)}`, callId, call.name, call.arguments));
  });
  return items;
}

/** Thinking is shown as a summary only when asked for, and whole only encrypted. */
function reasoningItem({ answer, request, mint }: ResponsesContext, suffix: string): Item {
  const encrypted = stringsOf(request.include).includes('reasoning.encrypted_content')
    ? { encrypted_content: mint.text('alnum', 200) }
    : {};
  const asked = typeof objectOf(request.reasoning).summary === 'string';
  const id = `rs_${suffix}`;
  const start: JsonObject = { id, type: 'reasoning', ...encrypted, summary: [] };
  if (!asked) return { added: start, done: start, events: () => [] };
  const part = { type: 'summary_text', text: answer.thinking };
  return {
    added: start,
    done: { ...start, summary: [part] },
    events: (output_index, mint) => {
      const at = { item_id: id, output_index, summary_index: 0 };
      return [
        { type: 'response.reasoning_summary_part.added', rest: { ...at, part: { type: 'summary_text', text: '' } } },
        ...piecesOf(answer.thinking).map((delta) => ({
          type: 'response.reasoning_summary_text.delta',
          rest: { ...at, delta, obfuscation: mint.text('alnum', 8) },
        })),
        { type: 'response.reasoning_summary_text.done', rest: { ...at, text: answer.thinking } },
        { type: 'response.reasoning_summary_part.done', rest: { ...at, part } },
      ];
    },
  };
}

function messageItem(id: string, kind: 'output_text' | 'refusal', text: string, status: string): Item {
  const partOf = (said: string): JsonObject =>
    kind === 'refusal'
      ? { type: 'refusal', refusal: said }
      : { type: 'output_text', annotations: [], logprobs: [], text: said };
  const logprobs = kind === 'refusal' ? {} : { logprobs: [] };
  return {
    added: { id, type: 'message', status: 'in_progress', content: [], role: 'assistant' },
    done: { id, type: 'message', status, content: [partOf(text)], role: 'assistant' },
    events: (output_index, mint) => {
      const at = { content_index: 0, item_id: id, output_index };
      return [
        { type: 'response.content_part.added', rest: { ...at, part: partOf('') } },
        ...piecesOf(text).map((delta) => ({
          type: `response.${kind}.delta`,
          rest: { ...at, delta, ...logprobs, obfuscation: mint.text('alnum', 8) },
        })),
        {
          type: `response.${kind}.done`,
          rest: { ...at, ...logprobs, ...(kind === 'refusal' ? { refusal: text } : { text }) },
        },
        { type: 'response.content_part.done', rest: { ...at, part: partOf(text) } },
      ];
    },
  };
}

function functionItem(id: string, callId: string, name: string, args: string): Item {
  const item = (status: string, given: string): JsonObject => ({
    id,
    type: 'function_call',
    status,
    arguments: given,
    call_id: callId,
    name,
  });
  return {
    added: item('in_progress', ''),
    done: item('completed', args),
    events: (output_index, mint) => {
      const at = { item_id: id, output_index };
      const pieces = args.match(new RegExp(`[\\s\\S]{1,${PIECE}}`, 'g')) ?? [];
      return [
        ...pieces.map((delta) => ({
          type: 'response.function_call_arguments.delta',
          rest: { ...at, delta, obfuscation: mint.text('alnum', 8) },
        })),
        { type: 'response.function_call_arguments.done', rest: { ...at, arguments: args } },
      ];
    },
  };
}
