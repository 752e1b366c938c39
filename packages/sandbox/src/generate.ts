/** Answers one generation request: reads it, chooses a scenario, composes, writes it in the provider's shape, spoils it. */
import { type Answer, composeAnswer, fillId } from './answer.ts';
import { type Ask, BadRequest } from './ask.ts';
import { messageWithoutSignature, readChatRequest } from './ask-chat.ts';
import { readMessagesRequest } from './ask-messages.ts';
import { readResponsesRequest } from './ask-responses.ts';
import { type ChatContext, type ChatFaults, chatAnswer, chatErrorFrames, chatFrames } from './chat-wire.ts';
import type { ControlSettings } from './control.ts';
import { Refusal } from './failures.ts';
import { type HostileParts, spoil } from './hostile.ts';
import { type Json, type JsonObject, textOf } from './json.ts';
import { messagesAnswer, messagesErrorFrames, messagesFrames } from './messages-wire.ts';
import type { Mint } from './mint.ts';
import { CREATED, findModel } from './models-wire.ts';
import type { Profile, SandboxModel } from './profile.ts';
import type { Reply } from './reply.ts';
import { responsesAnswer, responsesErrorFrames, responsesFrames } from './responses-wire.ts';
import { chooseScenario, type Scenario, scenarioOfModel } from './scenario.ts';
import { dataFrame, eventFrame } from './sse.ts';
import type { StoredResponses } from './stored-responses.ts';

export interface Generation {
  profile: Profile;
  wire: 'chat' | 'messages' | 'responses';
  body: JsonObject;
  scenarios: ReadonlyMap<string, Scenario>;
  settings: Readonly<ControlSettings>;
  mint: Mint;
  headers: Record<string, string>;
  clearKey: string;
  stored: StoredResponses;
}

const ABSURD_USAGE: JsonObject = {
  prompt_tokens: -5,
  completion_tokens: 1e21,
  total_tokens: 'many',
  input_tokens: -5,
  output_tokens: 1e21,
  cache_read_input_tokens: null,
  prompt_tokens_details: [],
};

/** Throws BadRequest and Refusal. */
export function generate(generation: Generation): { reply: Reply; scenario: Scenario } {
  const { profile, wire, body, scenarios, mint } = generation;
  const ask = readAsk(wire, body);
  const model = modelFor(profile, ask.model, scenarios);
  if (profile.strictReasoningModels && model.reasoning && wire === 'chat') refuseOldParameters(body);
  if (model.signatures && wire === 'chat') refuseLostSignatures(body);
  const scenario = chooseScenario(
    { model: ask.model, lastUserText: ask.lastUserText, hasTools: ask.tools.length > 0, mustCall: ask.mustCall },
    scenarios,
  );
  if (scenario.error)
    throw new Refusal(scenario.error.kind, scenario.error.message, { retryAfter: scenario.error.retryAfter ?? 'none' });
  if (scenario.hostile === 'refuse_stream_options' && ask.streamOptionsSent)
    throw new BadRequest('stream_options', "Extra inputs are not permitted: 'stream_options'", 'unsupported_parameter');
  const answer = composeAnswer(ask, scenario, model, profile, mint);
  if (scenario.hostile === 'bad_tool_arguments')
    for (const call of answer.toolCalls) call.arguments = `${call.arguments.slice(0, -1)}, "unfinished": `;
  const written = writeAnswer(generation, ask, model, answer, scenario);
  return {
    scenario,
    reply: spoil({ ...written.reply, usage: answer.usage }, scenario.hostile, generation.settings, written.parts),
  };
}

export function readAsk(wire: Generation['wire'], body: JsonObject): Ask {
  if (wire === 'chat') return readChatRequest(body);
  return wire === 'messages' ? readMessagesRequest(body, false) : readResponsesRequest(body);
}

/** The model asked for; `sandbox-<scenario>` stands for the provider's first. Throws Refusal. */
export function modelFor(profile: Profile, id: string, scenarios: ReadonlyMap<string, Scenario>): SandboxModel {
  const first = profile.models[0];
  if (scenarioOfModel(id, scenarios) && first) return { ...first, id, answersAs: id };
  const model = findModel(profile, id);
  if (model?.kind !== 'chat')
    throw new Refusal('model_not_found', `The model \`${id}\` does not exist or you do not have access to it.`, {
      param: 'model',
    });
  return model;
}

/** Reference: https://platform.openai.com/docs/guides/reasoning */
function refuseOldParameters(body: JsonObject): void {
  if (body.max_tokens !== undefined && body.max_tokens !== null)
    throw new BadRequest(
      'max_tokens',
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      'unsupported_parameter',
    );
  if (body.temperature !== undefined && body.temperature !== null && body.temperature !== 1)
    throw new BadRequest(
      'temperature',
      "Unsupported value: 'temperature' does not support this value with this model. Only the default (1) value is supported.",
      'unsupported_parameter',
    );
}

function refuseLostSignatures(body: JsonObject): void {
  const lost = messageWithoutSignature(body);
  if (lost)
    throw new BadRequest(
      'messages',
      `Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance. Additional data, function call \`default_api:${lost.name}\` , position ${lost.position + 1}.`,
    );
}

interface Written {
  reply: Reply;
  parts: HostileParts;
}

function writeAnswer(
  generation: Generation,
  ask: Ask,
  model: SandboxModel,
  answer: Answer,
  scenario: Scenario,
): Written {
  const faults: ChatFaults = {
    sameIndex: scenario.hostile === 'same_index',
    duplicateIds: scenario.hostile === 'duplicate_ids',
    usage:
      scenario.hostile === 'absurd_usage'
        ? { instead: ABSURD_USAGE }
        : scenario.hostile === 'no_usage'
          ? { instead: undefined }
          : null,
  };
  if (generation.wire === 'chat') return writeChat(generation, ask, model, answer, faults);
  return generation.wire === 'messages'
    ? writeMessages(generation, ask, model, answer, faults)
    : writeResponses(generation, ask, model, answer, faults);
}

function writeChat(generation: Generation, ask: Ask, model: SandboxModel, answer: Answer, faults: ChatFaults): Written {
  const { profile, mint, clearKey } = generation;
  const shape = profile.chat;
  if (!shape) throw new Refusal('not_found', 'Not found');
  const context: ChatContext = {
    shape,
    model,
    askedModel: ask.model,
    reasoningOnTop: profile.reasoningOnTop,
    answer,
    id: fillId(profile.ids.answer, mint),
    created: CREATED,
    includeUsage: ask.includeUsage,
    mint,
    faults,
  };
  const saying = (text: string): ChatContext => ({
    ...context,
    answer: { ...answer, text, thinking: '', refusal: null, toolCalls: [] },
  });
  return {
    reply: replyOf(generation, ask.stream, ask.stream ? chatFrames(context) : chatAnswer(context)),
    parts: {
      clearKey,
      errorFrames: () => chatErrorFrames(context),
      textBody: (text) => JSON.stringify(chatAnswer(saying(text))),
      textFrame: (text) =>
        dataFrame({
          id: context.id,
          object: 'chat.completion.chunk',
          created: CREATED,
          model: model.answersAs,
          choices: [{ index: 0, delta: { content: text }, finish_reason: null }],
        }),
    },
  };
}

function writeMessages(
  generation: Generation,
  ask: Ask,
  model: SandboxModel,
  answer: Answer,
  faults: ChatFaults,
): Written {
  const { profile, mint, clearKey } = generation;
  const context = {
    model,
    answer,
    id: fillId(profile.ids.answer, mint),
    mint,
    duplicateIds: faults.duplicateIds,
    usageInstead: faults.usage,
  };
  return {
    reply: replyOf(generation, ask.stream, ask.stream ? messagesFrames(context) : messagesAnswer(context)),
    parts: {
      clearKey,
      errorFrames: messagesErrorFrames,
      textBody: (text) =>
        JSON.stringify(messagesAnswer({ ...context, answer: { ...answer, text, thinking: '', toolCalls: [] } })),
      textFrame: (text) =>
        eventFrame('content_block_delta', {
          type: 'content_block_delta',
          index: 0,
          delta: { type: 'text_delta', text },
        }),
    },
  };
}

function writeResponses(
  generation: Generation,
  ask: Ask,
  model: SandboxModel,
  answer: Answer,
  faults: ChatFaults,
): Written {
  const { body, mint, clearKey } = generation;
  const { stored } = generation;
  const previous = textOf(body.previous_response_id);
  if (previous !== '' && !stored.has(previous))
    throw new BadRequest('previous_response_id', `Previous response with id '${previous}' not found.`);
  const context = {
    model,
    answer,
    request: body,
    mint,
    stored,
    usageInstead: faults.usage,
    duplicateIds: faults.duplicateIds,
  };
  return {
    reply: replyOf(generation, ask.stream, ask.stream ? responsesFrames(context) : responsesAnswer(context)),
    parts: {
      clearKey,
      errorFrames: responsesErrorFrames,
      textBody: (text) =>
        JSON.stringify(responsesAnswer({ ...context, answer: { ...answer, text, thinking: '', toolCalls: [] } })),
      textFrame: (text) =>
        eventFrame('response.output_text.delta', {
          type: 'response.output_text.delta',
          content_index: 0,
          delta: text,
          output_index: 0,
          sequence_number: 0,
        }),
    },
  };
}

function replyOf(generation: Generation, stream: boolean, content: string[] | Json): Reply {
  const { profile, headers } = generation;
  const type = stream ? profile.streamType : profile.jsonType;
  const parts = stream && Array.isArray(content) ? content.map(String) : [JSON.stringify(content)];
  return { status: 200, headers: { 'content-type': type, ...headers }, stream, parts, usage: null, hostile: null };
}
