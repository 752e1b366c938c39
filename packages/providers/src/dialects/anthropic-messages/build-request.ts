import { UnsupportedFeature } from '@ownkey/contract/dialect';
import type { NeutralMessage, NeutralPart, NeutralRequest, NeutralTool } from '@ownkey/contract/neutral';
import type { CatalogueEntry } from '@ownkey/contract/provider';
import { matchesModel, maxOutputTokens } from '../../catalogue.ts';
import { defined, isJson, type Json, parseJson } from '../../json.ts';

/** Sent where neither the caller nor the catalogue states a limit, which this API demands. */
export const DEFAULT_MAX_TOKENS = 4_096;
/** Least budget for thinking the API takes. */
const BUDGET_MIN = 1_024;
const BUDGETS = { none: 0, minimal: BUDGET_MIN, low: 2_048, medium: 8_192, high: 16_384, xhigh: 32_000 };

/** The body of a Messages API request. Throws UnsupportedFeature. */
export function buildMessagesRequest(request: NeutralRequest, entry: CatalogueEntry): Json {
  const known = maxOutputTokens(entry, request.model) ?? DEFAULT_MAX_TOKENS;
  const maxTokens = request.maxTokens ?? known;
  if (request.temperature !== undefined && request.temperature > 1) {
    throw new UnsupportedFeature('temperature', 'This provider takes temperatures from 0 to 1.');
  }
  const isSystem = (message: NeutralMessage): boolean => message.role === 'system' || message.role === 'developer';
  const system = request.messages.filter(isSystem).flatMap((message) => message.parts);
  const thinking = buildThinking(request, entry, maxTokens);
  const format = buildFormat(request);
  const config = defined({ effort: thinking.effort, format });
  return defined({
    model: request.model,
    max_tokens: maxTokens,
    system: system.length > 0 ? buildSystem(system) : undefined,
    messages: buildTurns(request.messages.filter((message) => !isSystem(message))),
    stream: request.stream || undefined,
    temperature: request.temperature,
    top_p: request.topP,
    top_k: request.topK,
    stop_sequences: request.stop,
    tools: request.tools.length > 0 ? request.tools.map(buildTool) : undefined,
    tool_choice: buildChoice(request),
    thinking: thinking.field,
    output_config: Object.keys(config).length > 0 ? config : undefined,
    metadata: request.user === undefined ? undefined : { user_id: request.user },
  });
}

/** One text is a plain text; several, or one with a mark for the cache, are blocks. */
function buildSystem(parts: NeutralPart[]): unknown {
  const [first] = parts;
  if (parts.length === 1 && first?.type === 'text' && first.cacheControl === undefined) return first.text;
  return parts.map(buildBlock);
}

/** Turns alternate: neighbours of one role are joined, results of tools first. */
function buildTurns(messages: readonly NeutralMessage[]): Json[] {
  const turns: { role: string; content: Json[] }[] = [];
  for (const message of messages) {
    const role = message.role === 'assistant' ? 'assistant' : 'user';
    const blocks = message.parts.flatMap((part) => (role === 'assistant' ? buildSpoken(part) : [buildBlock(part)]));
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...blocks);
    else turns.push({ role, content: blocks });
  }
  return turns
    .filter((turn) => turn.content.length > 0)
    .map(({ role, content }) => {
      const results = content.filter((block) => block.type === 'tool_result');
      const rest = content.filter((block) => block.type !== 'tool_result');
      const ordered = results.length > 0 ? [...results, ...rest] : content;
      return { role, content: plainOrBlocks(ordered) };
    });
}

function plainOrBlocks(blocks: Json[]): unknown {
  const [first] = blocks;
  const isPlain = blocks.length === 1 && first?.type === 'text' && first.cache_control === undefined;
  return isPlain ? first.text : blocks;
}

/** What the assistant said; thinking goes back only with a signature this API gave. */
function buildSpoken(part: NeutralPart): Json[] {
  switch (part.type) {
    case 'thinking':
      return part.signature !== undefined && part.format === 'anthropic-claude-v1'
        ? [{ type: 'thinking', thinking: part.text, signature: part.signature }]
        : [];
    case 'redacted-thinking':
      return part.format === 'anthropic-claude-v1' ? [{ type: 'redacted_thinking', data: part.data }] : [];
    // Empty texts are refused by the API.
    case 'text':
      return part.text === '' ? [] : [buildBlock(part)];
    default:
      return [buildBlock(part)];
  }
}

function buildBlock(part: NeutralPart): Json {
  const cache = 'cacheControl' in part && part.cacheControl !== undefined ? { cache_control: part.cacheControl } : {};
  switch (part.type) {
    case 'text':
    case 'refusal':
      return { type: 'text', text: part.text, ...cache };
    case 'image':
      return { type: 'image', source: mediaSource(part.source), ...cache };
    case 'file':
      return {
        type: 'document',
        source: part.source.kind === 'id' ? { type: 'file', file_id: part.source.id } : mediaSource(part.source),
        ...defined({ title: part.filename }),
        ...cache,
      };
    case 'tool-call':
      return { type: 'tool_use', id: toolId(part.id), name: part.name, input: inputOf(part), ...cache };
    case 'tool-result': {
      const content = part.content.map(buildBlock);
      return defined({
        type: 'tool_result',
        tool_use_id: toolId(part.callId),
        content: content.length > 0 ? plainOrBlocks(content) : undefined,
        is_error: part.isError,
        ...cache,
      });
    }
    default:
      throw new UnsupportedFeature('messages', `A part of the kind ${part.type} has no place in this message.`);
  }
}

/** Ids of other providers may hold characters this API refuses; calls and their results are changed alike. */
function toolId(id: string): string {
  return id.replace(/[^a-zA-Z0-9_-]/g, '_');
}

function inputOf(call: Extract<NeutralPart, { type: 'tool-call' }>): Json {
  const input = parseJson(call.arguments.trim() || '{}');
  if (isJson(input)) return input;
  throw new UnsupportedFeature('messages', `The arguments of the tool call ${call.id} are no JSON object.`);
}

function mediaSource(source: { kind: 'url'; url: string } | { kind: 'base64'; mediaType: string; data: string }): Json {
  return source.kind === 'url'
    ? { type: 'url', url: source.url }
    : { type: 'base64', media_type: source.mediaType, data: source.data };
}

function buildTool(tool: NeutralTool): Json {
  return defined({
    name: tool.name,
    description: tool.description,
    input_schema: tool.parameters,
    strict: tool.strict === true ? true : undefined,
    cache_control: tool.cacheControl,
  });
}

function buildChoice({ toolChoice, parallelTools, tools }: NeutralRequest): Json | undefined {
  if (tools.length === 0 || (!toolChoice && parallelTools !== false)) return undefined;
  const choice = toolChoice ?? { type: 'auto' };
  const single = parallelTools === false && choice.type !== 'none' ? { disable_parallel_tool_use: true } : {};
  return { ...choice, ...single };
}

function buildThinking(
  { reasoning, model, messages }: NeutralRequest,
  entry: CatalogueEntry,
  maxTokens: number,
): { field?: Json; effort?: string } {
  const effort = reasoning?.effort;
  if (effort === undefined || effort === 'none') return {};
  if ((entry.quirks.adaptive_thinking ?? []).some((pattern) => matchesModel(pattern, model))) {
    const named = effort === 'minimal' ? 'low' : effort === 'xhigh' ? 'max' : effort;
    return { field: { type: 'adaptive', display: 'summarized' }, effort: named };
  }
  // A tool loop that began with thinking must bring its signed thinking back; where the caller dropped it, it goes on without.
  const last = messages.findLast((message) => message.role === 'assistant' || message.role === 'user');
  if (last?.role === 'assistant' && hasCall(last) && !last.parts.some(isSignedThinking)) return {};
  // The budget has to leave room for the answer; where it cannot, the model answers without thinking.
  const budget = Math.min(reasoning?.budgetTokens ?? BUDGETS[effort], maxTokens - BUDGET_MIN);
  return budget < BUDGET_MIN ? {} : { field: { type: 'enabled', budget_tokens: budget } };
}

function hasCall(message: NeutralMessage): boolean {
  return message.parts.some((part) => part.type === 'tool-call');
}

function isSignedThinking(part: NeutralPart): boolean {
  const isThinking = part.type === 'thinking' ? part.signature !== undefined : part.type === 'redacted-thinking';
  return isThinking && 'format' in part && part.format === 'anthropic-claude-v1';
}

function buildFormat({ format }: NeutralRequest): Json | undefined {
  if (format?.type === 'json-object') {
    throw new UnsupportedFeature('response_format', 'This provider takes a JSON schema, not "json_object".');
  }
  return format?.type === 'json-schema' ? { type: 'json_schema', schema: format.schema } : undefined;
}
