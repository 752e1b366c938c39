/** Reads an Anthropic Messages request. Reference: https://docs.claude.com/en/api/messages */

import { type Ask, BadRequest, InputCount } from './ask.ts';
import { limitOf } from './ask-chat.ts';
import { isJsonObject, type Json, type JsonObject, objectOf, objectsOf, stringsOf, textOf } from './json.ts';
import { TOKENS_PER_IMAGE, tokensOfBytes } from './tokens.ts';

/** `counting`: for count_tokens, where `max_tokens` is not given. Throws BadRequest. */
export function readMessagesRequest(body: JsonObject, counting: boolean): Ask {
  const model = textOf(body.model);
  if (model === '') throw new BadRequest('model', 'model: Field required');
  const maxTokens = limitOf(body.max_tokens, 'max_tokens');
  if (maxTokens === null && !counting) throw new BadRequest('max_tokens', 'max_tokens: Field required');
  if (!Array.isArray(body.messages) || body.messages.length === 0)
    throw new BadRequest('messages', 'messages: at least one message is required');
  const reader = new MessagesReader();
  reader.content(body.system, 'system');
  const { messages } = body;
  messages.forEach((message, at) => {
    reader.message(message, at, at === messages.length - 1);
  });
  const tools = objectsOf(body.tools)
    .filter((tool) => isJsonObject(tool.input_schema))
    .map((tool) => {
      const name = textOf(tool.name);
      const schema = objectOf(tool.input_schema);
      reader.count.addTool(name, textOf(tool.description), schema);
      reader.noteCache(tool);
      return { name, schema };
    });
  const choice = objectOf(body.tool_choice);
  const thinking = objectOf(body.thinking);
  checkThinking(thinking, maxTokens, counting);
  const format = objectOf(objectOf(body.output_config).format ?? body.output_format);
  return {
    model,
    stream: body.stream === true,
    lastUserText: reader.lastUserText,
    toolResults: reader.toolResults,
    tools: choice.type === 'none' ? [] : tools,
    mustCall: choice.type === 'any' || choice.type === 'tool',
    namedTool: choice.type === 'tool' ? textOf(choice.name) || null : null,
    maxTokens,
    stop: stringsOf(body.stop_sequences),
    inputTokens: tokensOfBytes(reader.count.bytes) + reader.count.images * TOKENS_PER_IMAGE,
    images: reader.count.images,
    answerSchema: format.type === 'json_schema' ? objectOf(format.schema) : null,
    thinkingAsked: thinking.type === 'enabled' || thinking.type === 'adaptive',
    includeUsage: true,
    streamOptionsSent: false,
    hourCache: reader.hourCache,
  };
}

/** Reference: https://docs.claude.com/en/docs/build-with-claude/extended-thinking */
function checkThinking(thinking: JsonObject, maxTokens: number | null, counting: boolean): void {
  if (thinking.type !== 'enabled') return;
  const budget = limitOf(thinking.budget_tokens, 'thinking.budget_tokens');
  if (budget === null) throw new BadRequest('thinking', 'thinking.enabled.budget_tokens: Field required');
  if (budget < 1024)
    throw new BadRequest('thinking', 'thinking.enabled.budget_tokens: Input should be greater than or equal to 1024');
  if (!counting && maxTokens !== null && maxTokens <= budget)
    throw new BadRequest('max_tokens', '`max_tokens` must be greater than `thinking.budget_tokens`.');
}

class MessagesReader {
  readonly count = new InputCount();
  lastUserText = '';
  toolResults: string[] = [];
  hourCache = false;

  message(message: Json, at: number, last: boolean): void {
    if (!isJsonObject(message)) throw new BadRequest('messages', `messages.${at}: Input should be an object`);
    const role = message.role;
    if (role !== 'user' && role !== 'assistant')
      throw new BadRequest('messages', `messages.${at}.role: Input should be 'user' or 'assistant'`);
    const empty = message.content === '' || (Array.isArray(message.content) && message.content.length === 0);
    if (empty && !(last && role === 'assistant'))
      throw new BadRequest(
        'messages',
        `messages.${at}: all messages must have non-empty content except for the optional final assistant message`,
      );
    const { text, results } = this.content(message.content, `messages.${at}.content`);
    if (role !== 'user') return;
    if (results.length === 0) this.toolResults = [];
    else this.toolResults.push(...results);
    if (results.length === 0 || text !== '') this.lastUserText = text;
  }

  content(content: Json | undefined, param: string): { text: string; results: string[] } {
    if (content === undefined || content === null) return { text: '', results: [] };
    if (typeof content === 'string') {
      this.count.add(content);
      return { text: content, results: [] };
    }
    if (!Array.isArray(content)) throw new BadRequest(param, `${param}: Input should be a valid list`);
    let text = '';
    const results: string[] = [];
    for (const block of content.filter(isJsonObject)) {
      this.noteCache(block);
      text += this.#block(block, param, results);
    }
    return { text, results };
  }

  /** Notes whether cache writes are asked to live for an hour. */
  noteCache(block: JsonObject): void {
    if (objectOf(block.cache_control).ttl === '1h') this.hourCache = true;
  }

  #block(block: JsonObject, param: string, results: string[]): string {
    switch (block.type) {
      case 'text':
        this.count.add(textOf(block.text));
        return textOf(block.text);
      case 'image':
      case 'document':
        this.count.images += 1;
        return '';
      case 'tool_use':
        this.count.add(textOf(block.name));
        this.count.add(JSON.stringify(block.input ?? {}));
        return '';
      case 'tool_result':
        results.push(this.content(block.content, param).text);
        return '';
      case 'thinking':
        // Real servers verify what they signed; ours are recognisable.
        if (!isSandboxSignature(textOf(block.signature)))
          throw new BadRequest('messages', `${param}: Invalid \`signature\` in \`thinking\` block`);
        return '';
      default:
        return '';
    }
  }
}

const SIGNATURE_START = 'c2FuZGJveC';

/** A signature as the sandbox makes it: base64 that starts with "sandbox" in base64. */
export function makeSignature(random: string): string {
  return `${SIGNATURE_START}${random}==`;
}

function isSandboxSignature(signature: string): boolean {
  return signature.startsWith(SIGNATURE_START);
}
