import { UnsupportedFeature } from '@ownkey/contract/dialect';
import type { NeutralMessage, NeutralRequest, NeutralTool, NeutralToolChoice } from '@ownkey/contract/neutral';
import type { Wire } from '@ownkey/contract/provider';
import { type Json, jsonOf, jsonsOf, textOf, textOrNull } from '../../json.ts';
import { checkRequest, refuse } from '../../support.ts';
import { checkMembers, effortOf, metadataOf, numberField, requestBase } from '../../translate/request-fields.ts';
import { readItems } from './read-items.ts';

const FROM: Wire = 'openai-responses';

/** A Responses API request in neutral form, for a provider of the wire `to`. Throws UnsupportedFeature. */
export function readResponsesRequest(body: Json, to: Wire): NeutralRequest {
  checkRequest(FROM, to, body);
  const instructions = textOrNull(body.instructions);
  const first: NeutralMessage[] =
    instructions === null ? [] : [{ role: 'system', parts: [{ type: 'text', text: instructions }] }];
  const user = textOrNull(body.user) ?? textOrNull(body.safety_identifier);
  const format = readFormat(jsonOf(body.text), to);
  const reasoning = jsonOf(body.reasoning);
  const effort = effortOf(reasoning.effort, 'reasoning.effort');
  checkMembers('reasoning', reasoning, ['effort', 'summary', 'generate_summary']);
  const summary = textOrNull(reasoning.summary) ?? textOrNull(reasoning.generate_summary);
  return {
    ...requestBase(body),
    messages: [...first, ...readItems(body.input, to)],
    tools: jsonsOf(body.tools).map((tool, index) => readTool(tool, `tools[${index}]`, to)),
    ...readChoice(body.tool_choice),
    ...(typeof body.parallel_tool_calls === 'boolean' ? { parallelTools: body.parallel_tool_calls } : {}),
    ...numberField('maxTokens', body.max_output_tokens),
    // The end of a stream of this wire always holds the usage.
    streamUsage: true,
    ...(user === null ? {} : { user }),
    ...(effort || summary !== null
      ? { reasoning: { ...(effort ? { effort } : {}), ...(summary ? { summary } : {}) } }
      : {}),
    ...(format ? { format } : {}),
    ...(to === 'openai-responses' ? metadataOf(body.metadata) : {}),
    ...(textOrNull(body.service_tier) ? { serviceTier: textOf(body.service_tier) } : {}),
  };
}

function readTool(tool: Json, where: string, to: Wire): NeutralTool {
  if (tool.type !== 'function') return refuse(FROM, to, 'tools.server', `${where}.type`);
  return {
    name: textOf(tool.name),
    ...(typeof tool.description === 'string' ? { description: tool.description } : {}),
    parameters: tool.parameters ?? { type: 'object', properties: {} },
    ...(typeof tool.strict === 'boolean' ? { strict: tool.strict } : {}),
  };
}

function readChoice(choice: unknown): { toolChoice?: NeutralToolChoice } {
  if (choice === undefined || choice === null) return {};
  if (choice === 'auto' || choice === 'none') return { toolChoice: { type: choice } };
  if (choice === 'required') return { toolChoice: { type: 'any' } };
  const named = jsonOf(choice);
  if (named.type === 'function') return { toolChoice: { type: 'tool', name: textOf(named.name) } };
  throw new UnsupportedFeature('tool_choice', 'This tool_choice cannot be translated.');
}

function readFormat(text: Json, to: Wire): NeutralRequest['format'] | null {
  if (text.verbosity !== undefined && text.verbosity !== null && text.verbosity !== 'medium') {
    return refuse(FROM, to, 'text.verbosity', 'text.verbosity');
  }
  const format = jsonOf(text.format);
  if (format.type === 'json_object') {
    return to === 'anthropic-messages' ? refuse(FROM, to, 'text.json_object', 'text.format') : { type: 'json-object' };
  }
  if (text.format === undefined || text.format === null || format.type === 'text') return null;
  if (format.type !== 'json_schema') throw new UnsupportedFeature('text.format', 'This text.format is not known.');
  return {
    type: 'json-schema',
    name: textOf(format.name) || 'answer',
    schema: format.schema ?? {},
    ...(typeof format.strict === 'boolean' ? { strict: format.strict } : {}),
    ...(typeof format.description === 'string' ? { description: format.description } : {}),
  };
}
