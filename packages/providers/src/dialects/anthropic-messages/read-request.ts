import { UnsupportedFeature } from '@ownkey/contract/dialect';
import type { NeutralMessage, NeutralRequest, NeutralTool, NeutralToolChoice } from '@ownkey/contract/neutral';
import type { Wire } from '@ownkey/contract/provider';
import { isJson, type Json, jsonOf, jsonsOf, textOf, textOrNull } from '../../json.ts';
import { checkRequest, refuse } from '../../support.ts';
import { checkMembers, effortOf, listField, numberField, requestBase, stopOf } from '../../translate/request-fields.ts';
import { readBlocks } from './read-blocks.ts';

const FROM: Wire = 'anthropic-messages';

/** A Messages API request in neutral form, for a provider of the wire `to`. Throws UnsupportedFeature. */
export function readMessagesRequest(body: Json, to: Wire): NeutralRequest {
  checkRequest(FROM, to, body);
  const system = readBlocks(body.system, 'system', to);
  const messages = listField(body, 'messages').map((message, index) => readMessage(message, `messages[${index}]`, to));
  const user = textOrNull(jsonOf(body.metadata).user_id);
  return {
    ...requestBase(body),
    messages: system.length > 0 ? [{ role: 'system', parts: system }, ...messages] : messages,
    tools: jsonsOf(body.tools).map((tool, index) => readTool(tool, `tools[${index}]`, to)),
    ...readChoice(body.tool_choice),
    ...numberField('maxTokens', body.max_tokens),
    ...stopOf(body.stop_sequences),
    // Streams of this wire always report usage.
    streamUsage: true,
    ...(user === null ? {} : { user }),
    ...readThinking(body),
    ...readFormat(body),
  };
}

function readMessage(value: unknown, where: string, to: Wire): NeutralMessage {
  const message = jsonOf(value);
  const { role } = message;
  if (role !== 'user' && role !== 'assistant' && role !== 'system') {
    throw new UnsupportedFeature(`${where}.role`, `${where}.role is not a role of this API.`);
  }
  return { role, parts: readBlocks(message.content, `${where}.content`, to) };
}

function readTool(tool: Json, where: string, to: Wire): NeutralTool {
  if (tool.type !== undefined && tool.type !== 'custom') return refuse(FROM, to, 'tools.server', `${where}.type`);
  return {
    name: textOf(tool.name),
    ...(typeof tool.description === 'string' ? { description: tool.description } : {}),
    parameters: tool.input_schema ?? { type: 'object', properties: {} },
    ...(typeof tool.strict === 'boolean' ? { strict: tool.strict } : {}),
    ...(tool.cache_control === undefined ? {} : { cacheControl: tool.cache_control }),
  };
}

function readChoice(value: unknown): { toolChoice?: NeutralToolChoice; parallelTools?: boolean } {
  if (!isJson(value)) return {};
  const parallel = value.disable_parallel_tool_use === true ? { parallelTools: false } : {};
  if (value.type === 'auto' || value.type === 'none' || value.type === 'any') {
    return { toolChoice: { type: value.type }, ...parallel };
  }
  if (value.type === 'tool') return { toolChoice: { type: 'tool', name: textOf(value.name) }, ...parallel };
  throw new UnsupportedFeature('tool_choice', 'This tool_choice is not known.');
}

const THINKING = ['enabled', 'disabled', 'adaptive'];

/** Thinking by budget, or adaptive with the effort of `output_config`. */
function readThinking(body: Json): { reasoning?: NonNullable<NeutralRequest['reasoning']> } {
  const thinking = jsonOf(body.thinking);
  const effort = effortOf(jsonOf(body.output_config).effort, 'output_config.effort');
  if (body.thinking !== undefined && body.thinking !== null && !THINKING.includes(textOf(thinking.type)))
    throw new UnsupportedFeature('thinking', 'This kind of thinking is not known.');
  if (thinking.type === 'disabled') return { reasoning: { effort: 'none' } };
  const budget = thinking.type === 'enabled' ? numberField('budgetTokens', thinking.budget_tokens) : {};
  const meant = effort ?? (budget.budgetTokens === undefined ? undefined : effortOfBudget(budget.budgetTokens));
  return meant === undefined ? {} : { reasoning: { effort: meant, ...budget } };
}

function effortOfBudget(tokens: number): 'low' | 'medium' | 'high' {
  if (tokens <= 2_048) return 'low';
  return tokens <= 10_000 ? 'medium' : 'high';
}

function readFormat(body: Json): { format?: NonNullable<NeutralRequest['format']> } {
  checkMembers('output_config', body.output_config, ['effort', 'format']);
  const said = jsonOf(body.output_config).format;
  if (said === undefined || said === null) return {};
  const format = jsonOf(said);
  if (format.type !== 'json_schema')
    throw new UnsupportedFeature('output_config.format', 'This output_config.format is not known.');
  return { format: { type: 'json-schema', name: 'answer', schema: format.schema ?? {}, strict: true } };
}
