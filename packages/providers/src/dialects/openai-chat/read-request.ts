import { UnsupportedFeature } from '@ownkey/contract/dialect';
import type {
  NeutralMessage,
  NeutralPart,
  NeutralRequest,
  NeutralTool,
  NeutralToolChoice,
} from '@ownkey/contract/neutral';
import type { Wire } from '@ownkey/contract/provider';
import { isJson, type Json, jsonOf, jsonsOf, textOf, textOrNull } from '../../json.ts';
import { checkRequest, refuse } from '../../support.ts';
import { sourceOf } from '../../translate/data-url.ts';
import {
  effortOf,
  listField,
  metadataOf,
  numberField,
  requestBase,
  stopOf,
  textField,
} from '../../translate/request-fields.ts';
import { readContentParts } from './content-parts.ts';
import { readReasoning } from './reasoning.ts';

const FROM: Wire = 'openai-chat';

/** A chat completions request in neutral form, for a provider of the wire `to`. Throws UnsupportedFeature. */
export function readChatRequest(body: Json, to: Wire): NeutralRequest {
  checkRequest(FROM, to, body);
  const messages = listField(body, 'messages').map((message, index) => readMessage(message, `messages[${index}]`, to));
  const format = readFormat(body, to);
  const effort = effortOf(body.reasoning_effort, 'reasoning_effort');
  return {
    ...requestBase(body),
    messages,
    tools: jsonsOf(body.tools).map((tool, index) => readTool(tool, `tools[${index}]`, to)),
    ...readChoice(body.tool_choice),
    ...(typeof body.parallel_tool_calls === 'boolean' ? { parallelTools: body.parallel_tool_calls } : {}),
    ...numberField('maxTokens', body.max_completion_tokens ?? body.max_tokens),
    ...numberField('topK', body.top_k),
    ...numberField('seed', body.seed),
    ...numberField('frequencyPenalty', body.frequency_penalty),
    ...numberField('presencePenalty', body.presence_penalty),
    ...stopOf(body.stop),
    streamUsage: jsonOf(body.stream_options).include_usage === true,
    ...userOf(body),
    ...(effort ? { reasoning: { effort } } : {}),
    ...(format ? { format } : {}),
    ...metadataOf(body.metadata),
    ...textField('serviceTier', body.service_tier),
    ...textField('verbosity', body.verbosity),
    ...textField('cacheKey', body.prompt_cache_key),
    ...textField('cacheRetention', body.prompt_cache_retention),
  };
}

function userOf(body: Json): { user?: string } {
  const user = textOrNull(body.user) ?? textOrNull(body.safety_identifier);
  return user === null ? {} : { user };
}

function readMessage(value: unknown, where: string, to: Wire): NeutralMessage {
  const message = jsonOf(value);
  const name = textOrNull(message.name);
  const base = name === null ? {} : { name };
  switch (message.role) {
    case 'system':
    case 'developer':
    case 'user':
      return { role: message.role, parts: readContent(message.content, `${where}.content`, to), ...base };
    case 'assistant':
      return { role: 'assistant', parts: readAssistant(message, where, to), ...base };
    case 'tool': {
      const callId = textOf(message.tool_call_id);
      const content = readContent(message.content, `${where}.content`, to);
      return { role: 'tool', parts: [{ type: 'tool-result', callId, content, ...cacheOf(message) }], ...base };
    }
    case 'function':
      return refuse(FROM, to, 'messages.function', `${where}.role`);
    default:
      throw new UnsupportedFeature(`${where}.role`, `${where}.role is not a role of this API.`);
  }
}

function readAssistant(message: Json, where: string, to: Wire): NeutralPart[] {
  const parts: NeutralPart[] = readReasoning(message);
  if (Array.isArray(message.content)) {
    const { reasoning } = readContentParts(message.content);
    if (reasoning && parts.length === 0) parts.push({ type: 'thinking', text: reasoning });
    const rest = message.content.filter((part) => jsonOf(part).type !== 'thinking');
    parts.push(...readContent(rest, `${where}.content`, to));
  } else parts.push(...readContent(message.content, `${where}.content`, to));
  const refusal = textOrNull(message.refusal);
  if (refusal !== null) parts.push({ type: 'refusal', text: refusal });
  for (const call of jsonsOf(message.tool_calls)) parts.push(readToolCall(call, where, to));
  return parts;
}

/** A tool call of a message, also of an answer. */
export function readToolCall(call: Json, where: string, to: Wire): NeutralPart {
  if (call.type !== undefined && call.type !== 'function')
    return refuse(FROM, to, 'tools.custom', `${where}.tool_calls`);
  const fn = jsonOf(call.function);
  const signature = textOrNull(jsonOf(jsonOf(call.extra_content).google).thought_signature);
  return {
    type: 'tool-call',
    id: textOf(call.id),
    name: textOf(fn.name),
    arguments: textOf(fn.arguments) || '{}',
    ...(signature === null ? {} : { signature }),
    ...cacheOf(call),
  };
}

function readContent(content: unknown, where: string, to: Wire): NeutralPart[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  if (content === null || content === undefined) return [];
  if (!Array.isArray(content)) throw new UnsupportedFeature(where, `${where} must be a text or a list of parts.`);
  return content.map((part: unknown, index) => readPart(part, `${where}[${index}]`, to));
}

function readPart(value: unknown, where: string, to: Wire): NeutralPart {
  if (typeof value === 'string') return { type: 'text', text: value };
  const part = jsonOf(value);
  switch (part.type) {
    case 'text':
      return { type: 'text', text: textOf(part.text), ...cacheOf(part) };
    case 'refusal':
      return { type: 'refusal', text: textOf(part.refusal) };
    case 'image_url': {
      const image = isJson(part.image_url) ? part.image_url : { url: part.image_url };
      const detail = textOrNull(image.detail);
      return {
        type: 'image',
        source: sourceOf(textOf(image.url)),
        ...(detail === null ? {} : { detail }),
        ...cacheOf(part),
      };
    }
    case 'file':
      return readFile(jsonOf(part.file), part);
    case 'input_audio':
      return refuse(FROM, to, 'messages.content.input_audio', where);
    default:
      return refuse(FROM, to, 'messages.content.other', where);
  }
}

function readFile(file: Json, part: Json): NeutralPart {
  const id = textOrNull(file.file_id);
  const filename = textOrNull(file.filename);
  return {
    type: 'file',
    source: id === null ? sourceOf(textOf(file.file_data)) : { kind: 'id', id },
    ...(filename === null ? {} : { filename }),
    ...cacheOf(part),
  };
}

function readTool(tool: Json, where: string, to: Wire): NeutralTool {
  if (tool.type !== 'function') return refuse(FROM, to, 'tools.custom', `${where}.type`);
  const fn = jsonOf(tool.function);
  return {
    name: textOf(fn.name),
    ...(typeof fn.description === 'string' ? { description: fn.description } : {}),
    parameters: fn.parameters ?? { type: 'object', properties: {} },
    ...(typeof fn.strict === 'boolean' ? { strict: fn.strict } : {}),
    ...cacheOf(tool),
  };
}

function readChoice(choice: unknown): { toolChoice?: NeutralToolChoice } {
  if (choice === undefined || choice === null) return {};
  if (choice === 'auto' || choice === 'none') return { toolChoice: { type: choice } };
  if (choice === 'required' || choice === 'any') return { toolChoice: { type: 'any' } };
  const name = textOrNull(jsonOf(jsonOf(choice).function).name);
  if (name !== null) return { toolChoice: { type: 'tool', name } };
  throw new UnsupportedFeature('tool_choice', 'This tool_choice cannot be translated.');
}

function readFormat(body: Json, to: Wire): NeutralRequest['format'] | null {
  if (!isJson(body.response_format)) return null;
  const { type } = body.response_format;
  if (type === 'text') return { type: 'text' };
  if (type === 'json_object') {
    if (to === 'anthropic-messages') return refuse(FROM, to, 'response_format.json_object', 'response_format');
    return { type: 'json-object' };
  }
  if (type !== 'json_schema') throw new UnsupportedFeature('response_format', 'This response_format is not known.');
  const schema = jsonOf(body.response_format.json_schema);
  return {
    type: 'json-schema',
    name: textOf(schema.name) || 'answer',
    schema: schema.schema ?? {},
    ...(typeof schema.strict === 'boolean' ? { strict: schema.strict } : {}),
    ...(typeof schema.description === 'string' ? { description: schema.description } : {}),
  };
}

function cacheOf(part: Json): { cacheControl?: unknown } {
  return part.cache_control === undefined ? {} : { cacheControl: part.cache_control };
}
