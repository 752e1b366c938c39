import type { NeutralAnswer } from '@ownkey/contract/neutral';
import { defined, type Json } from '../../json.ts';
import { writeChatUsage } from './read-usage.ts';
import { writeReasoning } from './reasoning.ts';
import { writeFinish } from './stop.ts';

/** A neutral answer as a chat completion. `created`: seconds since 1970, used where the provider gave none. */
export function buildChatAnswer(answer: NeutralAnswer, created: number): Json {
  const texts = answer.parts.filter((part) => part.type === 'text').map((part) => part.text);
  const refusals = answer.parts.filter((part) => part.type === 'refusal').map((part) => part.text);
  const calls = answer.parts.filter((part) => part.type === 'tool-call');
  const message = defined({
    role: 'assistant',
    content: texts.length > 0 ? texts.join('') : null,
    refusal: refusals.length > 0 ? refusals.join('') : null,
    ...writeReasoning(answer.parts),
    tool_calls: calls.length > 0 ? calls.map(writeCall) : undefined,
  });
  return defined({
    id: answer.id,
    object: 'chat.completion',
    created: answer.created ?? created,
    model: answer.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: writeFinish(answer.stop, refusals.length > 0) }],
    usage: answer.usage ? writeChatUsage(answer.usage) : undefined,
  });
}

/** A tool call with the place its signature has in this wire. */
export function writeCall(call: { id: string; name: string; arguments: string; signature?: string }): Json {
  return defined({
    id: call.id,
    type: 'function',
    function: { name: call.name, arguments: call.arguments },
    extra_content: call.signature === undefined ? undefined : { google: { thought_signature: call.signature } },
  });
}
