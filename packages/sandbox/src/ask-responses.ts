/** Reads an OpenAI Responses request. Reference: https://platform.openai.com/docs/api-reference/responses/create */

import { type Ask, BadRequest, InputCount } from './ask.ts';
import { limitOf } from './ask-chat.ts';
import { isJsonObject, type Json, type JsonObject, objectOf, objectsOf, textOf } from './json.ts';
import { TOKENS_PER_IMAGE, tokensOfBytes } from './tokens.ts';

const OUTPUT_TOKENS_MIN = 16;

/** Throws BadRequest. */
export function readResponsesRequest(body: JsonObject): Ask {
  const model = textOf(body.model);
  if (model === '') throw new BadRequest('model', "Missing required parameter: 'model'.");
  const maxTokens = limitOf(body.max_output_tokens, 'max_output_tokens');
  if (maxTokens !== null && maxTokens < OUTPUT_TOKENS_MIN)
    throw new BadRequest(
      'max_output_tokens',
      `Invalid 'max_output_tokens': integer below minimum value. Expected a value >= ${OUTPUT_TOKENS_MIN}, but got ${maxTokens} instead.`,
    );
  const count = new InputCount();
  count.add(textOf(body.instructions));
  const turn = readInput(body.input, count);
  const tools = objectsOf(body.tools)
    .filter((tool) => tool.type === 'function')
    .map((tool) => {
      const schema = objectOf(tool.parameters);
      count.addTool(textOf(tool.name), textOf(tool.description), schema);
      return { name: textOf(tool.name), schema };
    });
  const choice = body.tool_choice;
  const format = objectOf(objectOf(body.text).format);
  const effort = objectOf(body.reasoning).effort;
  return {
    model,
    stream: body.stream === true,
    ...turn,
    tools: choice === 'none' ? [] : tools,
    mustCall: choice === 'required' || isJsonObject(choice),
    namedTool: isJsonObject(choice) ? textOf(choice.name) || null : null,
    maxTokens,
    stop: [],
    inputTokens: tokensOfBytes(count.bytes) + count.images * TOKENS_PER_IMAGE,
    images: count.images,
    answerSchema: format.type === 'json_schema' ? objectOf(format.schema) : format.type === 'json_object' ? {} : null,
    thinkingAsked: typeof effort === 'string' && effort !== 'none' && effort !== 'minimal',
    includeUsage: true,
    streamOptionsSent: false,
    hourCache: false,
  };
}

function readInput(input: Json | undefined, count: InputCount): { lastUserText: string; toolResults: string[] } {
  if (typeof input === 'string') {
    count.add(input);
    return { lastUserText: input, toolResults: [] };
  }
  if (!Array.isArray(input) || input.length === 0)
    throw new BadRequest('input', "Missing required parameter: 'input'.");
  let lastUserText = '';
  let toolResults: string[] = [];
  for (const item of objectsOf(input)) {
    const type = textOf(item.type) || 'message';
    if (type === 'function_call_output') {
      toolResults.push(readParts(item.output, count));
    } else if (type === 'function_call') {
      count.add(textOf(item.name));
      count.add(textOf(item.arguments));
    } else if (type === 'message') {
      const text = readParts(item.content, count);
      if (item.role !== 'user') continue;
      lastUserText = text;
      toolResults = [];
    } else if (type !== 'reasoning' && type !== 'item_reference') {
      throw new BadRequest('input', `Invalid value: '${type}'.`);
    }
  }
  return { lastUserText, toolResults };
}

function readParts(content: Json | undefined, count: InputCount): string {
  if (typeof content === 'string') {
    count.add(content);
    return content;
  }
  let text = '';
  for (const part of objectsOf(content)) {
    if (part.type === 'input_image') count.images += 1;
    const said = textOf(part.text) || textOf(part.refusal);
    count.add(said);
    text += said;
  }
  return text;
}
