/**
 * How a simulated provider looks on the wire, as data: `profiles/<id>.json`. The id is the file's name. Shapes are templates
 * (template.ts), so key order, nulls and omissions are the provider's own and no provider needs code.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  checkFields,
  DataFileError,
  type Json,
  type JsonObject,
  numberOf,
  objectOf,
  objectsOf,
  parseJson,
  stringMapOf,
  stringsOf,
  textOf,
} from './json.ts';

/** One model a simulated provider serves. */
export interface SandboxModel {
  id: string;
  kind: 'chat' | 'embedding';
  /** Name written into answers, where the provider resolves aliases. */
  answersAs: string;
  /** Thinks before every answer, asked or not. */
  reasoning: boolean;
  /** Length of an embedding. */
  dimensions: number;
  /** Tool calls carry a signature that has to come back on the next turn. */
  signatures: boolean;
  /** Its profile says what it costs; the others' prices are unknown here. */
  priced: boolean;
  /** USD per million tokens and per request, for providers that report what a call cost. */
  price: { input: number; output: number; request: number };
  owner: string;
  label: string;
}

/** One chunk of a stream: what stands in `choices[0]` and what is added at the top level. */
export interface ChunkShape {
  /** null: `choices` is an empty list. */
  choice: JsonObject | null;
  top: JsonObject;
}

export const CHUNK_KINDS = ['start', 'reasoning', 'text', 'refusal', 'tool', 'tool_args', 'finish', 'usage'] as const;
export type ChunkKind = (typeof CHUNK_KINDS)[number];

export interface ChatShape {
  answer: JsonObject;
  choice: JsonObject;
  toolCall: JsonObject;
  usage: JsonObject;
  stream: {
    envelope: JsonObject;
    chunks: Partial<Record<ChunkKind, ChunkShape>>;
    /** Usage is sent only when `stream_options.include_usage` asked for it. */
    usageOnRequest: boolean;
    /** The last piece of content carries finish reason and usage; no chunk of their own. */
    finishOnLast: boolean;
    /** Finish reason of streamed tool calls, where it differs. */
    toolFinish: string;
    /** Raw SSE text before the first chunk (comments). */
    lead: string;
    /** Raw SSE text that breaks a stream off with an error, after which nothing follows unless `errorDone`. */
    error: string;
    errorDone: boolean;
  };
}

export const ERROR_KINDS = [
  'missing_key',
  'invalid_key',
  'restricted',
  'no_credit',
  'rate_limited',
  'outage',
  'server_error',
  'model_not_found',
  'bad_request',
  'unsupported_parameter',
  'context_length',
  'too_large',
  'not_found',
] as const;
export type ErrorKind = (typeof ERROR_KINDS)[number];

export interface ErrorShape {
  status: number;
  headers: Record<string, string>;
  /** Empty: the provider's usual type for JSON. */
  type: string;
  /** A JSON template, or text to send as it is. */
  body: Json;
}

export interface Profile {
  id: string;
  follows: string[];
  /** Set for endpoints that are no catalogue provider: what a company may add as a custom endpoint. */
  standalone: { name: string; basePath: string } | null;
  /** Requests without a key, or with any key, are served (local servers). */
  openToAll: boolean;
  ids: { answer: string; call: string; request: string };
  headers: Record<string, string>;
  jsonType: string;
  streamType: string;
  reasoningOnTop: boolean;
  /** Reasoning models refuse `max_tokens` and `temperature` (they take `max_completion_tokens`). */
  strictReasoningModels: boolean;
  models: SandboxModel[];
  modelList: { answer: Json; item: JsonObject; open: boolean } | null;
  keyInfo: { path: string; body: JsonObject } | null;
  chat: ChatShape | null;
  embeddings: { answer: JsonObject; item: JsonObject } | null;
  responses: boolean;
  messages: boolean;
  /** Whether models here call tools. */
  tools: boolean;
  errors: ReadonlyMap<ErrorKind, ErrorShape>;
  /** Errors that look different at one endpoint, by the endpoint's name. */
  endpointErrors: ReadonlyMap<string, ReadonlyMap<ErrorKind, ErrorShape>>;
}

/** Reads every profile of a folder, strictly. Throws DataFileError. */
export function loadProfiles(directory: string): Map<string, Profile> {
  const profiles = new Map<string, Profile>();
  for (const file of readdirSync(directory).sort()) {
    if (!file.endsWith('.json')) continue;
    const id = file.slice(0, -'.json'.length);
    profiles.set(id, readProfile(id, parseJson(readFileSync(join(directory, file), 'utf8')), file));
  }
  return profiles;
}

function readProfile(id: string, value: Json | undefined, where: string): Profile {
  const data = checkFields(
    value,
    {
      follows: 'strings',
      'standalone?': 'object',
      'open_to_all?': 'boolean',
      ids: 'object',
      headers: 'string map',
      'json_type?': 'string',
      'stream_type?': 'string',
      'reasoning_on_top?': 'boolean',
      'strict_reasoning_models?': 'boolean',
      models: 'objects',
      model_list: 'json',
      'key_info?': 'object',
      'chat?': 'object',
      'embeddings?': 'object',
      'responses?': 'boolean',
      'messages?': 'boolean',
      errors: 'object',
      'endpoint_errors?': 'object',
    },
    where,
  );
  const ids = stringMapOf(checkFields(data.ids, { answer: 'string', call: 'string', request: 'string' }, where));
  const standalone = data.standalone && checkFields(data.standalone, { name: 'string', base_path: 'string' }, where);
  const list =
    data.model_list && checkFields(data.model_list, { answer: 'json', item: 'object', 'open?': 'boolean' }, where);
  const keyInfo = data.key_info && checkFields(data.key_info, { path: 'string', body: 'object' }, where);
  const embeddings = data.embeddings && checkFields(data.embeddings, { answer: 'object', item: 'object' }, where);
  const chat = data.chat ? readChat(data.chat, where) : null;
  const errors = readErrors(data.errors, where);
  for (const kind of ERROR_KINDS) if (!errors.has(kind)) throw new DataFileError(where, `error "${kind}" is missing`);
  const endpointErrors = new Map(
    Object.entries(objectOf(data.endpoint_errors)).map(([endpoint, shapes]) => [endpoint, readErrors(shapes, where)]),
  );
  return {
    id,
    follows: stringsOf(data.follows),
    standalone: standalone ? { name: textOf(standalone.name), basePath: textOf(standalone.base_path) } : null,
    openToAll: data.open_to_all === true,
    ids: { answer: ids.answer ?? '', call: ids.call ?? '', request: ids.request ?? '' },
    headers: stringMapOf(data.headers),
    jsonType: textOf(data.json_type) || 'application/json',
    streamType: textOf(data.stream_type) || 'text/event-stream; charset=utf-8',
    reasoningOnTop: data.reasoning_on_top === true,
    strictReasoningModels: data.strict_reasoning_models === true,
    models: objectsOf(data.models).map((model) => readModel(model, where)),
    modelList: list ? { answer: list.answer ?? null, item: objectOf(list.item), open: list.open === true } : null,
    keyInfo: keyInfo ? { path: textOf(keyInfo.path), body: objectOf(keyInfo.body) } : null,
    chat,
    embeddings: embeddings ? { answer: objectOf(embeddings.answer), item: objectOf(embeddings.item) } : null,
    responses: data.responses === true,
    messages: data.messages === true,
    tools: data.messages === true || chat?.stream.chunks.tool !== undefined,
    errors,
    endpointErrors,
  };
}

function readModel(value: JsonObject, where: string): SandboxModel {
  const model = checkFields(
    value,
    {
      id: 'string',
      'kind?': ['chat', 'embedding'],
      'answers_as?': 'string',
      'reasoning?': 'boolean',
      'dimensions?': 'number',
      'signatures?': 'boolean',
      'price?': 'object',
      'owner?': 'string',
      'label?': 'string',
    },
    `${where} models`,
  );
  const id = textOf(model.id);
  const price = objectOf(model.price);
  return {
    id,
    kind: model.kind === 'embedding' ? 'embedding' : 'chat',
    answersAs: textOf(model.answers_as) || id,
    reasoning: model.reasoning === true,
    dimensions: numberOf(model.dimensions) ?? 0,
    signatures: model.signatures === true,
    priced: model.price !== undefined,
    price: {
      input: numberOf(price.input) ?? 0,
      output: numberOf(price.output) ?? 0,
      request: numberOf(price.request) ?? 0,
    },
    owner: textOf(model.owner),
    label: textOf(model.label) || id,
  };
}

function readChat(value: Json, where: string): ChatShape {
  const chat = checkFields(
    value,
    { answer: 'object', choice: 'object', tool_call: 'object', usage: 'object', stream: 'object' },
    `${where} chat`,
  );
  const stream = checkFields(
    chat.stream,
    {
      envelope: 'object',
      chunks: 'object',
      'usage_on_request?': 'boolean',
      'finish_on_last?': 'boolean',
      'tool_finish?': 'string',
      'lead?': 'string',
      error: 'string',
      'error_done?': 'boolean',
    },
    `${where} chat.stream`,
  );
  const chunks: Partial<Record<ChunkKind, ChunkShape>> = {};
  const optional = Object.fromEntries(CHUNK_KINDS.map((kind) => [`${kind}?`, 'object' as const]));
  const given = checkFields(stream.chunks, optional, `${where} chat.stream.chunks`);
  for (const kind of CHUNK_KINDS) {
    if (given[kind] === undefined) continue;
    const chunk = checkFields(given[kind], { choice: 'json', 'top?': 'object' }, `${where} chat.stream.chunks.${kind}`);
    chunks[kind] = { choice: chunk.choice === null ? null : objectOf(chunk.choice), top: objectOf(chunk.top) };
  }
  return {
    answer: objectOf(chat.answer),
    choice: objectOf(chat.choice),
    toolCall: objectOf(chat.tool_call),
    usage: objectOf(chat.usage),
    stream: {
      envelope: objectOf(stream.envelope),
      chunks,
      usageOnRequest: stream.usage_on_request === true,
      finishOnLast: stream.finish_on_last === true,
      toolFinish: textOf(stream.tool_finish) || 'tool_calls',
      lead: textOf(stream.lead),
      error: textOf(stream.error),
      errorDone: stream.error_done === true,
    },
  };
}

function readErrors(value: Json | undefined, where: string): Map<ErrorKind, ErrorShape> {
  const shapes = new Map<ErrorKind, ErrorShape>();
  const optional = Object.fromEntries(ERROR_KINDS.map((kind) => [`${kind}?`, 'object' as const]));
  const given = checkFields(value, optional, `${where} errors`);
  for (const kind of ERROR_KINDS) {
    if (given[kind] === undefined) continue;
    const shape = checkFields(
      given[kind],
      { status: 'number', 'headers?': 'string map', 'type?': 'string', body: 'json' },
      `${where} errors.${kind}`,
    );
    shapes.set(kind, {
      status: numberOf(shape.status) ?? 500,
      headers: stringMapOf(shape.headers),
      type: textOf(shape.type),
      body: shape.body ?? null,
    });
  }
  return shapes;
}
