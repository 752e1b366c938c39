import { UnsupportedFeature } from '@ownkey/contract/dialect';
import type { NeutralMessage, NeutralPart, NeutralRequest } from '@ownkey/contract/neutral';
import type { CatalogueEntry } from '@ownkey/contract/provider';
import { matchesModel } from '../../catalogue.ts';
import { defined, type Json } from '../../json.ts';
import { urlOf } from '../../translate/data-url.ts';

/** Least limit this API takes. */
const MAX_TOKENS_MIN = 16;

/** The body of a Responses API request; nothing is stored at the provider. Throws UnsupportedFeature. */
export function buildResponsesRequest(request: NeutralRequest, entry: CatalogueEntry): Json {
  const matches = (patterns: string[] | undefined): boolean =>
    (patterns ?? []).some((pattern) => matchesModel(pattern, request.model));
  const thinks = matches(entry.quirks.effort_models);
  const reasoning = defined({
    effort: thinks ? request.reasoning?.effort : undefined,
    summary: thinks && request.reasoning ? (request.reasoning.summary ?? 'auto') : undefined,
  });
  return defined({
    model: request.model,
    input: request.messages.flatMap(buildItems),
    stream: request.stream || undefined,
    max_output_tokens: request.maxTokens === undefined ? undefined : Math.max(request.maxTokens, MAX_TOKENS_MIN),
    temperature: request.temperature,
    top_p: request.topP,
    tools: request.tools.length > 0 ? request.tools.map(buildTool) : undefined,
    tool_choice: buildChoice(request),
    parallel_tool_calls: request.tools.length > 0 ? request.parallelTools : undefined,
    text: buildText(request),
    reasoning: Object.keys(reasoning).length > 0 ? reasoning : undefined,
    include: thinks ? ['reasoning.encrypted_content'] : undefined,
    store: false,
    user: request.user,
    metadata: request.metadata,
    service_tier: request.serviceTier,
    prompt_cache_key: request.cacheKey,
    prompt_cache_retention: request.cacheRetention,
  });
}

function buildItems(message: NeutralMessage): Json[] {
  const items: Json[] = [];
  let content: Json[] = [];
  const flush = (): void => {
    if (content.length > 0) items.push({ type: 'message', role: message.role, content });
    content = [];
  };
  for (const part of message.parts) {
    const item = buildItem(part);
    if (item === undefined) content.push(buildPart(part, message.role === 'assistant'));
    else {
      flush();
      if (item !== null) items.push(item);
    }
  }
  flush();
  return items;
}

/** The item a part is; null for one that is left out; undefined for one that belongs into a message. */
function buildItem(part: NeutralPart): Json | null | undefined {
  switch (part.type) {
    case 'thinking':
      // Only what this API signed goes back.
      if (part.signature === undefined || part.format !== 'openai-responses-v1') return null;
      return defined({
        type: 'reasoning',
        id: part.id,
        summary: part.text === '' ? [] : [{ type: 'summary_text', text: part.text }],
        encrypted_content: part.signature,
      });
    case 'redacted-thinking':
      return null;
    case 'tool-call':
      return { type: 'function_call', call_id: part.id, name: part.name, arguments: part.arguments };
    case 'tool-result':
      return { type: 'function_call_output', call_id: part.callId, output: buildOutput(part.content) };
    default:
      return undefined;
  }
}

function buildOutput(content: readonly NeutralPart[]): unknown {
  if (content.every((part) => part.type === 'text')) return content.map((part) => part.text).join('\n');
  return content.map((part) => buildPart(part, false));
}

function buildPart(part: NeutralPart, isAssistant: boolean): Json {
  switch (part.type) {
    case 'text':
      return { type: isAssistant ? 'output_text' : 'input_text', text: part.text };
    case 'refusal':
      return { type: 'refusal', refusal: part.text };
    case 'image':
      return defined({ type: 'input_image', image_url: urlOf(part.source), detail: part.detail });
    case 'file': {
      const { source, filename } = part;
      if (source.kind === 'id') return { type: 'input_file', file_id: source.id };
      if (source.kind === 'url') return { type: 'input_file', file_url: source.url };
      return defined({ type: 'input_file', filename, file_data: urlOf(source) });
    }
    default:
      throw new UnsupportedFeature('messages', `A part of the kind ${part.type} has no place in this message.`);
  }
}

function buildTool(tool: NeutralRequest['tools'][number]): Json {
  return defined({
    type: 'function',
    name: tool.name,
    description: tool.description,
    parameters: tool.parameters,
    // This API is strict unless told otherwise; the others are not.
    strict: tool.strict ?? false,
  });
}

function buildChoice({ toolChoice, tools }: NeutralRequest): unknown {
  if (!toolChoice || tools.length === 0) return undefined;
  if (toolChoice.type === 'tool') return { type: 'function', name: toolChoice.name };
  return toolChoice.type === 'any' ? 'required' : toolChoice.type;
}

function buildText({ format, verbosity }: NeutralRequest): Json | undefined {
  const text = defined({ format: buildFormat(format), verbosity });
  return Object.keys(text).length > 0 ? text : undefined;
}

function buildFormat(format: NeutralRequest['format']): Json | undefined {
  if (format?.type === 'json-object') return { type: 'json_object' };
  if (format?.type !== 'json-schema') return undefined;
  const { name, schema, strict, description } = format;
  return defined({ type: 'json_schema', name, schema, strict, description });
}
