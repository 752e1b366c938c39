/** Reads an OpenAI chat completions request. Reference: https://platform.openai.com/docs/api-reference/chat/create */
import { type Ask, BadRequest, InputCount, type OfferedTool } from './ask.ts';
import { isJsonObject, type Json, type JsonObject, numberOf, objectOf, objectsOf, stringsOf, textOf } from './json.ts';
import { TOKENS_PER_IMAGE, tokensOfBytes } from './tokens.ts';

/** Throws BadRequest. */
export function readChatRequest(body: JsonObject): Ask {
  const model = textOf(body.model);
  if (model === '') throw new BadRequest('model', 'you must provide a model parameter');
  if (!Array.isArray(body.messages) || body.messages.length === 0)
    throw new BadRequest('messages', "Missing required parameter: 'messages'.");
  const count = new InputCount();
  const turn = readMessages(body.messages, count);
  const tools = objectsOf(body.tools).map((tool) => readTool(objectOf(tool.function), count));
  const choice = body.tool_choice;
  const format = objectOf(body.response_format);
  const streamOptions = objectOf(body.stream_options);
  return {
    model,
    stream: body.stream === true,
    ...turn,
    tools: choice === 'none' ? [] : tools,
    mustCall: choice === 'required' || isJsonObject(choice),
    namedTool: isJsonObject(choice) ? textOf(objectOf(choice.function).name) || null : null,
    maxTokens: limitOf(body.max_completion_tokens, 'max_completion_tokens') ?? limitOf(body.max_tokens, 'max_tokens'),
    stop: typeof body.stop === 'string' ? [body.stop] : stringsOf(body.stop),
    inputTokens: tokensOfBytes(count.bytes) + count.images * TOKENS_PER_IMAGE,
    images: count.images,
    answerSchema:
      format.type === 'json_schema'
        ? objectOf(objectOf(format.json_schema).schema)
        : format.type === 'json_object'
          ? {}
          : null,
    thinkingAsked: asksForThinking(body),
    includeUsage: streamOptions.include_usage === true,
    streamOptionsSent: body.stream_options !== undefined,
    hourCache: false,
  };
}

/** Reads a token limit; throws BadRequest for anything but a whole number above 0. */
export function limitOf(value: Json | undefined, param: string): number | null {
  if (value === undefined || value === null) return null;
  const limit = numberOf(value);
  if (limit === null || !Number.isInteger(limit) || limit < 1)
    throw new BadRequest(param, `Invalid value for '${param}': expected an integer of at least 1.`);
  return limit;
}

/** The several ways providers let a caller turn thinking on. */
function asksForThinking(body: JsonObject): boolean {
  const effort = body.reasoning_effort;
  const reasoning = objectOf(body.reasoning);
  return (
    (typeof effort === 'string' && effort !== 'none') ||
    objectOf(body.thinking).type === 'enabled' ||
    reasoning.enabled === true ||
    typeof reasoning.effort === 'string' ||
    numberOf(reasoning.max_tokens) !== null
  );
}

function readMessages(messages: Json[], count: InputCount): { lastUserText: string; toolResults: string[] } {
  let lastUserText = '';
  let toolResults: string[] = [];
  messages.forEach((message, at) => {
    if (!isJsonObject(message)) throw new BadRequest(`messages[${at}]`, `messages[${at}] is not an object`);
    const text = readContent(message.content, `messages[${at}].content`, count);
    const role = message.role;
    if (role === 'user') {
      lastUserText = text;
      toolResults = [];
    } else if (role === 'tool') {
      if (textOf(message.tool_call_id) === '')
        throw new BadRequest(
          `messages[${at}]`,
          "Missing parameter 'tool_call_id': messages with role 'tool' need one.",
        );
      toolResults.push(text);
    } else if (role === 'assistant') {
      for (const call of objectsOf(message.tool_calls)) {
        const made = objectOf(call.function);
        count.add(textOf(made.name));
        count.add(textOf(made.arguments));
      }
    } else if (role !== 'system' && role !== 'developer') {
      throw new BadRequest(
        `messages[${at}].role`,
        `Invalid value: '${textOf(role)}'. Supported values are: 'system', 'assistant', 'user', 'tool' and 'developer'.`,
      );
    }
  });
  return { lastUserText, toolResults };
}

function readContent(content: Json | undefined, param: string, count: InputCount): string {
  if (content === undefined || content === null) return '';
  if (typeof content === 'string') {
    count.add(content);
    return content;
  }
  if (!Array.isArray(content)) throw new BadRequest(param, `Invalid type for '${param}': expected a string or a list.`);
  let text = '';
  for (const part of objectsOf(content)) {
    const said = textOf(part.text) || textOf(part.refusal);
    if (said !== '') {
      count.add(said);
      text += said;
    }
    if (part.type === 'image_url') count.images += 1;
  }
  return text;
}

function readTool(tool: JsonObject, count: InputCount): OfferedTool {
  const name = textOf(tool.name);
  if (name === '') throw new BadRequest('tools', "Missing required parameter: 'tools[0].function.name'.");
  const schema = objectOf(tool.parameters);
  count.addTool(name, textOf(tool.description), schema);
  return { name, schema };
}

/**
 * Gemini refuses a turn whose own tool calls come back without the signature it gave them. Returns the position of the first
 * message at fault, or null. Reference: https://ai.google.dev/gemini-api/docs/thought-signatures
 */
export function messageWithoutSignature(body: JsonObject): { position: number; name: string } | null {
  const messages = objectsOf(body.messages);
  const lastUser = messages.findLastIndex((message) => message.role === 'user');
  for (let position = lastUser + 1; position < messages.length; position++) {
    const first = objectsOf(messages[position]?.tool_calls)[0];
    if (!first) continue;
    const google = objectOf(objectOf(first.extra_content).google);
    if (textOf(google.thought_signature) === '') return { position, name: textOf(objectOf(first.function).name) };
  }
  return null;
}
