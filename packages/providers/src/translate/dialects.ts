import type { NeutralAnswer, NeutralRequest } from '@ownkey/contract/neutral';
import type { CatalogueEntry, Wire } from '@ownkey/contract/provider';
import { buildMessagesAnswer } from '../dialects/anthropic-messages/build-answer.ts';
import { buildMessagesRequest } from '../dialects/anthropic-messages/build-request.ts';
import { readMessagesAnswer } from '../dialects/anthropic-messages/read-answer.ts';
import { readMessagesRequest } from '../dialects/anthropic-messages/read-request.ts';
import { MessagesStreamReader } from '../dialects/anthropic-messages/read-stream.ts';
import { MessagesStreamWriter } from '../dialects/anthropic-messages/write-stream.ts';
import { buildChatAnswer } from '../dialects/openai-chat/build-answer.ts';
import { buildChatRequest } from '../dialects/openai-chat/build-request.ts';
import { readChatAnswer } from '../dialects/openai-chat/read-answer.ts';
import { readChatRequest } from '../dialects/openai-chat/read-request.ts';
import { ChatStreamReader } from '../dialects/openai-chat/read-stream.ts';
import { ChatStreamWriter } from '../dialects/openai-chat/write-stream.ts';
import { buildResponsesAnswer } from '../dialects/openai-responses/build-answer.ts';
import { buildResponsesRequest } from '../dialects/openai-responses/build-request.ts';
import { readResponsesAnswer } from '../dialects/openai-responses/read-answer.ts';
import { readResponsesRequest } from '../dialects/openai-responses/read-request.ts';
import { ResponsesStreamReader } from '../dialects/openai-responses/read-stream.ts';
import { ResponsesStreamWriter } from '../dialects/openai-responses/write-stream.ts';
import type { Json } from '../json.ts';
import type { StreamReader, StreamWriter } from './stream-dialect.ts';

/** What a writer of answers needs to know of the call. */
export interface AnswerContext {
  /** The caller's own name of the model, echoed back. */
  model: string;
  /** Seconds since 1970. */
  created: number;
  includeUsage: boolean;
  inputEstimate: number;
  /** The caller's request, where its wire echoes parts of it. */
  request: Json;
}

/** One wire, as the pure steps of a translation. Callers and providers are read and written by the same steps. */
export interface Dialect {
  readRequest(body: Json, to: Wire): NeutralRequest;
  buildRequest(request: NeutralRequest, entry: CatalogueEntry, addUsage: boolean): Json;
  readAnswer(body: Json, entry: CatalogueEntry): NeutralAnswer | null;
  buildAnswer(answer: NeutralAnswer, context: AnswerContext): Json;
  streamReader(entry: CatalogueEntry, headers: Readonly<Record<string, string>>): StreamReader;
  streamWriter(context: AnswerContext): StreamWriter;
}

export const DIALECTS: Readonly<Record<Wire, Dialect>> = {
  'openai-chat': {
    readRequest: readChatRequest,
    buildRequest: buildChatRequest,
    readAnswer: (body, entry) => readChatAnswer(body, entry.quirks),
    buildAnswer: (answer, { model, created }) => buildChatAnswer({ ...answer, model }, created),
    streamReader: (entry, headers) => new ChatStreamReader(entry, headers),
    streamWriter: (context) => new ChatStreamWriter(context),
  },
  'anthropic-messages': {
    readRequest: readMessagesRequest,
    buildRequest: buildMessagesRequest,
    readAnswer: readMessagesAnswer,
    buildAnswer: (answer, { model }) => buildMessagesAnswer({ ...answer, model }),
    streamReader: (entry, headers) => new MessagesStreamReader(entry, headers),
    streamWriter: (context) => new MessagesStreamWriter(context),
  },
  'openai-responses': {
    readRequest: readResponsesRequest,
    buildRequest: buildResponsesRequest,
    readAnswer: readResponsesAnswer,
    buildAnswer: (answer, { model, created, request }) => buildResponsesAnswer({ ...answer, model }, created, request),
    streamReader: (entry, headers) => new ResponsesStreamReader(entry, headers),
    streamWriter: (context) => new ResponsesStreamWriter(context),
  },
};
