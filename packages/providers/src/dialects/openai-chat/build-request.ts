import { UnsupportedFeature } from '@ownkey/contract/dialect';
import type { NeutralMessage, NeutralPart, NeutralRequest, NeutralTool } from '@ownkey/contract/neutral';
import type { CatalogueEntry, Quirks } from '@ownkey/contract/provider';
import { matchesModel } from '../../catalogue.ts';
import { defined, type Json } from '../../json.ts';
import { urlOf } from '../../translate/data-url.ts';
import { detailsOf } from './reasoning.ts';

/** The body of a chat completions request for a provider. `addUsage`: ask for usage in streams. Throws UnsupportedFeature. */
export function buildChatRequest(request: NeutralRequest, entry: CatalogueEntry, addUsage: boolean): Json {
  const { quirks } = entry;
  const matches = (patterns: string[] | undefined): boolean =>
    (patterns ?? []).some((pattern) => matchesModel(pattern, request.model));
  const wantsUsage = request.stream && addUsage && (quirks.stream_usage ?? 'yes') === 'yes';
  const takesEffort = request.reasoning?.effort !== undefined && matches(quirks.effort_models);
  const body = defined({
    model: request.model,
    messages: buildMessages(request.messages, quirks),
    stream: request.stream || undefined,
    stream_options: wantsUsage ? { include_usage: true } : undefined,
    [limitField(quirks, matches(quirks.reasoning_models))]: request.maxTokens,
    temperature: request.temperature,
    top_p: request.topP,
    stop: request.stop,
    tools: request.tools.length > 0 ? request.tools.map((tool) => buildTool(tool, quirks)) : undefined,
    tool_choice: buildChoice(request),
    parallel_tool_calls: request.tools.length > 0 ? request.parallelTools : undefined,
    response_format: buildFormat(request),
    reasoning_effort: takesEffort ? request.reasoning?.effort : undefined,
    user: request.user,
    seed: request.seed,
    frequency_penalty: request.frequencyPenalty,
    presence_penalty: request.presencePenalty,
    metadata: request.metadata,
    service_tier: request.serviceTier,
  });
  const renamed = quirks.renamed_fields ?? {};
  return Object.fromEntries(Object.entries(body).map(([name, value]) => [renamed[name] ?? name, value]));
}

function limitField(quirks: Quirks, isReasoning: boolean): string {
  const field = quirks.token_limit_field ?? 'max_tokens';
  if (field === 'both') return isReasoning ? 'max_completion_tokens' : 'max_tokens';
  return field;
}

function buildMessages(messages: readonly NeutralMessage[], quirks: Quirks): Json[] {
  const built: Json[] = [];
  /** Images of tool results, which chat has no place for: they follow the results as the user's. */
  let images: Json[] = [];
  const flush = (): void => {
    if (images.length > 0) built.push({ role: 'user', content: images });
    images = [];
  };
  for (const message of messages) {
    const results = message.parts.filter((part) => part.type === 'tool-result');
    const rest = message.parts.filter((part) => part.type !== 'tool-result');
    for (const result of results) {
      built.push({ role: 'tool', tool_call_id: result.callId, content: resultText(result.content) });
      images.push(...result.content.filter((part) => part.type === 'image').map((part) => buildPart(part, quirks)));
    }
    if (results.length > 0 && rest.length === 0) continue;
    if (message.role === 'user' && images.length > 0) {
      built.push({ role: 'user', content: [...images, ...rest.map((part) => buildPart(part, quirks))] });
      images = [];
      continue;
    }
    flush();
    if (message.role === 'assistant') built.push(buildAssistant(rest, quirks));
    else built.push(buildOther(message, rest, quirks));
  }
  flush();
  return built;
}

function buildOther(message: NeutralMessage, parts: NeutralPart[], quirks: Quirks): Json {
  const role = message.role === 'developer' && quirks.no_developer_role ? 'system' : message.role;
  return defined({ role, content: buildContent(parts, quirks), name: message.name });
}

function buildAssistant(parts: NeutralPart[], quirks: Quirks): Json {
  const calls = parts.filter((part) => part.type === 'tool-call');
  const shown = parts.filter((part) => part.type === 'text');
  const refusal = parts.filter((part) => part.type === 'refusal').map((part) => part.text);
  const content = shown.length > 0 ? buildContent(shown, quirks) : null;
  return defined({
    role: 'assistant',
    content: content ?? (calls.length > 0 || refusal.length > 0 ? null : ''),
    refusal: refusal.length > 0 ? refusal.join('') : undefined,
    ...buildReasoning(parts, quirks, content),
    tool_calls: calls.length > 0 ? calls.map((call, index) => buildCall(call, index, quirks)) : undefined,
  });
}

/** Reasoning of earlier turns goes back only where the provider says under which name. */
function buildReasoning(parts: NeutralPart[], quirks: Quirks, content: unknown): Json {
  const thinking = parts.filter((part) => part.type === 'thinking' || part.type === 'redacted-thinking');
  if (thinking.length === 0) return {};
  if (quirks.reasoning_details) return { reasoning_details: thinking.flatMap(detailsOf) };
  const text = thinking.map((part) => (part.type === 'thinking' ? part.text : '')).join('');
  if (text === '') return {};
  if (quirks.reasoning_field) return { [quirks.reasoning_field]: text };
  if (!quirks.content_parts) return {};
  const rest = typeof content === 'string' ? [{ type: 'text', text: content }] : [];
  return { content: [{ type: 'thinking', thinking: [{ type: 'text', text }] }, ...rest] };
}

function buildCall(call: Extract<NeutralPart, { type: 'tool-call' }>, index: number, quirks: Quirks): Json {
  const signature = call.signature ?? (index === 0 ? quirks.tool_signature_filler : undefined);
  const takesSignature = quirks.tool_signature_filler !== undefined && signature !== undefined;
  return defined({
    id: call.id,
    type: 'function',
    function: { name: call.name, arguments: call.arguments },
    extra_content: takesSignature ? { google: { thought_signature: signature } } : undefined,
  });
}

function buildContent(parts: NeutralPart[], quirks: Quirks): unknown {
  const [first, ...others] = parts;
  if (first === undefined) return '';
  const isPlain = first.type === 'text' && (first.cacheControl === undefined || !quirks.cache_control);
  if (others.length === 0 && isPlain) return first.text;
  return parts.map((part) => buildPart(part, quirks));
}

function buildPart(part: NeutralPart, quirks: Quirks): Json {
  const cache = (control: unknown): Json =>
    quirks.cache_control && control !== undefined ? { cache_control: control } : {};
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text, ...cache(part.cacheControl) };
    case 'image':
      return {
        type: 'image_url',
        image_url: defined({ url: urlOf(part.source), detail: part.detail }),
        ...cache(part.cacheControl),
      };
    case 'file': {
      if (part.source.kind === 'url') {
        throw new UnsupportedFeature('messages', 'Files by address cannot be sent to this provider; send their data.');
      }
      const file = part.source.kind === 'id' ? { file_id: part.source.id } : { file_data: urlOf(part.source) };
      return { type: 'file', file: defined({ filename: part.filename, ...file }), ...cache(part.cacheControl) };
    }
    case 'refusal':
      return { type: 'text', text: part.text };
    default:
      throw new UnsupportedFeature('messages', `A part of the kind ${part.type} has no place in this message.`);
  }
}

function resultText(content: readonly NeutralPart[]): string {
  const texts: string[] = [];
  for (const part of content) {
    if (part.type === 'text') texts.push(part.text);
    else if (part.type === 'image') texts.push('[The image follows.]');
    else throw new UnsupportedFeature('messages', `A tool result with a part of the kind ${part.type} cannot be sent.`);
  }
  return texts.join('\n');
}

function buildTool(tool: NeutralTool, quirks: Quirks): Json {
  return defined({
    type: 'function',
    function: defined({
      name: tool.name,
      description: tool.description,
      parameters: tool.parameters,
      strict: tool.strict,
    }),
    cache_control: quirks.cache_control ? tool.cacheControl : undefined,
  });
}

function buildChoice({ toolChoice, tools }: NeutralRequest): unknown {
  if (!toolChoice || tools.length === 0) return undefined;
  if (toolChoice.type === 'tool') return { type: 'function', function: { name: toolChoice.name } };
  return toolChoice.type === 'any' ? 'required' : toolChoice.type;
}

function buildFormat({ format }: NeutralRequest): unknown {
  if (format?.type === 'json-object') return { type: 'json_object' };
  if (format?.type !== 'json-schema') return undefined;
  const { name, schema, strict, description } = format;
  return { type: 'json_schema', json_schema: defined({ name, description, schema, strict }) };
}
