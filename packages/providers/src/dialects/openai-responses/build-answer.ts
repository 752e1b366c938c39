import type { NeutralAnswer, NeutralPart, NeutralStop } from '@ownkey/contract/neutral';
import type { Usage } from '@ownkey/contract/usage';
import { defined, type Json, jsonOf, listOf } from '../../json.ts';
import { packSignature } from '../../translate/signature.ts';
import { REDACTED } from './read-items.ts';
import { writeResponsesUsage } from './read-usage.ts';

/** A neutral answer as a response object; the caller's settings are echoed, as that API does. */
export function buildResponsesAnswer(answer: NeutralAnswer, created: number, request: Json): Json {
  const output = answer.parts.flatMap((part, index) => outputItems(part, `${answer.id}_${index}`));
  return responseOf({
    id: answer.id,
    model: answer.model,
    created: answer.created ?? created,
    request,
    output,
    stop: answer.stop,
    usage: answer.usage,
  });
}

export interface ResponseFacts {
  id: string;
  model: string;
  created: number;
  request: Json;
  output: Json[];
  /** null while it runs. */
  stop: NeutralStop | null;
  usage: Usage | null;
}

/** The response object: platform.openai.com/docs/api-reference/responses/object */
export function responseOf({ id, model, created, request, output, stop, usage }: ResponseFacts): Json {
  const reason = stop === 'length' ? 'max_output_tokens' : stop === 'content-filter' ? 'content_filter' : null;
  const text = jsonOf(request.text);
  return {
    id: id.startsWith('resp_') ? id : `resp_${id}`,
    object: 'response',
    created_at: created,
    status: stop === null ? 'in_progress' : reason === null ? 'completed' : 'incomplete',
    background: false,
    error: null,
    incomplete_details: reason === null ? null : { reason },
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    model,
    output,
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null, ...jsonOf(request.reasoning) },
    service_tier: 'default',
    store: false,
    temperature: request.temperature ?? 1,
    text: { ...text, format: text.format ?? { type: 'text' } },
    tool_choice: request.tool_choice ?? 'auto',
    tools: listOf(request.tools),
    top_p: request.top_p ?? 1,
    truncation: 'disabled',
    usage: usage ? writeResponsesUsage(usage) : null,
    user: request.user ?? null,
    metadata: jsonOf(request.metadata),
  };
}

/** The output items of one part; a tool call's signature travels in a reasoning item before it. */
function outputItems(part: NeutralPart, id: string): Json[] {
  switch (part.type) {
    case 'text':
      return [messageItem(`msg_${id}`, textPart(part.text))];
    case 'refusal':
      return [messageItem(`msg_${id}`, { type: 'refusal', refusal: part.text })];
    case 'thinking':
    case 'redacted-thinking':
      return [reasoningItem(part, id)];
    case 'tool-call': {
      const item = callItem(`fc_${id}`, part);
      return part.signature === undefined ? [item] : [carrierItem(`rs_${id}`, part.id, part.signature), item];
    }
    default:
      return [];
  }
}

export function textPart(text: string): Json {
  return { type: 'output_text', annotations: [], logprobs: [], text };
}

export function messageItem(id: string, part: Json | null): Json {
  const content = part === null ? [] : [part];
  return { id, type: 'message', status: part === null ? 'in_progress' : 'completed', role: 'assistant', content };
}

export function callItem(
  id: string,
  call: { id: string; name: string; arguments: string },
  status = 'completed',
): Json {
  return { id, type: 'function_call', status, arguments: call.arguments, call_id: call.id, name: call.name };
}

export function carrierItem(id: string, callId: string, signature: string): Json {
  const packed = packSignature({ format: 'google-gemini-v1', id: callId, signature }, 'openai-responses-v1');
  return { id, type: 'reasoning', summary: [], encrypted_content: packed };
}

export function reasoningItem(
  part: Extract<NeutralPart, { type: 'thinking' | 'redacted-thinking' }>,
  id: string,
): Json {
  const isRedacted = part.type === 'redacted-thinking';
  const signature = isRedacted ? part.data : part.signature;
  const text = isRedacted ? '' : part.text;
  const format = part.format ?? 'openai-responses-v1';
  const owner = isRedacted ? REDACTED : '';
  return defined({
    id: (isRedacted ? undefined : part.id) ?? `rs_${id}`,
    type: 'reasoning',
    summary: text === '' ? [] : [{ type: 'summary_text', text }],
    encrypted_content:
      signature === undefined ? undefined : packSignature({ format, id: owner, signature }, 'openai-responses-v1'),
  });
}
