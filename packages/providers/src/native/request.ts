import type { CallerRequest } from '@ownkey/contract/dialect';
import {
  type JsonField,
  type JsonFields,
  readText,
  scanBodyFields,
  scanFields,
  scanItems,
} from '@ownkey/contract/json-scan';
import type { ProviderTarget, Quirks } from '@ownkey/contract/provider';
import { matchesModel } from '../catalogue.ts';
import { isJson, type Json, jsonOf, parseJson } from '../json.ts';
import { rewriteChatRequest, rewriteNeeded } from './rewrite-request.ts';
import { type Splice, splice } from './splice.ts';

export interface NativeBody {
  body: Buffer;
  /** The provider is asked to report usage in the stream, and the caller had not asked. */
  addedUsage: boolean;
}

const MAX_TOKENS = 'max_tokens';
const MAX_COMPLETION_TOKENS = 'max_completion_tokens';
const DEVELOPER = Buffer.from('"developer"');
const INCLUDE_USAGE = '{"include_usage":true}';

/**
 * The caller's own bytes for a provider of the same wire: the model's name is replaced, and what the provider's quirks declare.
 * Everything else stays byte for byte, so that prompt caches hit. `addUsage` false: nothing is asked on top.
 */
export function nativeBody(target: ProviderTarget, request: CallerRequest, addUsage: boolean): NativeBody {
  const { quirks } = target.entry;
  const isChat = request.wire === 'openai-chat';
  const asksUsage = isChat && addUsage && request.stream && (quirks.stream_usage ?? 'yes') === 'yes';
  if (request.modelRange === null || (isChat && rewriteNeeded(request.body, quirks))) {
    return writtenAnew(request, quirks, asksUsage, isChat);
  }
  const splices: Splice[] = [{ ...request.modelRange, text: JSON.stringify(request.upstreamModel) }];
  let addedUsage = false;
  if (isChat) {
    const fields = scanBodyFields(request.body);
    addedUsage = asksUsage && askForUsage(request.body, fields, splices);
    for (const [from, to] of renames(quirks, request.upstreamModel)) rename(fields, from, to, splices);
    if (quirks.no_developer_role && request.body.includes(DEVELOPER)) renameDeveloper(request.body, fields, splices);
  }
  return { body: splice(request.body, splices), addedUsage };
}

/** The body parsed and written by us: for keys with escapes, and for quirks that reach deep into messages. */
function writtenAnew(request: CallerRequest, quirks: Quirks, asksUsage: boolean, isChat: boolean): NativeBody {
  const parsed = request.parsed ?? jsonOf(parseJson(request.body.toString()));
  let body: Json = { ...parsed, model: request.upstreamModel };
  if (!isChat) return { body: Buffer.from(JSON.stringify(body)), addedUsage: false };
  for (const [from, to] of renames(quirks, request.upstreamModel)) {
    if (!Object.hasOwn(body, from) || Object.hasOwn(body, to)) continue;
    body = Object.fromEntries(Object.entries(body).map(([name, value]) => [name === from ? to : name, value]));
  }
  body = rewriteChatRequest(body, quirks);
  const options = jsonOf(body.stream_options);
  const addedUsage = asksUsage && options.include_usage !== true;
  if (addedUsage) body.stream_options = { ...options, include_usage: true };
  return { body: Buffer.from(JSON.stringify(body)), addedUsage };
}

/** Names of fields this provider and model call otherwise. */
function* renames(quirks: Quirks, model: string): Generator<[string, string]> {
  const isReasoning = (quirks.reasoning_models ?? []).some((pattern) => matchesModel(pattern, model));
  if (quirks.token_limit_field === MAX_TOKENS) yield [MAX_COMPLETION_TOKENS, MAX_TOKENS];
  else if (isReasoning || quirks.token_limit_field === MAX_COMPLETION_TOKENS) yield [MAX_TOKENS, MAX_COMPLETION_TOKENS];
  for (const renamed of Object.entries(quirks.renamed_fields ?? {})) yield renamed;
}

function findField({ fields }: JsonFields, name: string): JsonField | undefined {
  return fields.find((field) => field.name === name);
}

function rename(fields: JsonFields, from: string, to: string, splices: Splice[]): void {
  const field = findField(fields, from);
  if (!field || findField(fields, to)) return;
  splices.push({ start: field.keyStart, end: field.keyStart + from.length + 2, text: JSON.stringify(to) });
}

/** Returns whether something was added, which then has to be removed from what the caller sees. */
function askForUsage(body: Buffer, fields: JsonFields, splices: Splice[]): boolean {
  const field = findField(fields, 'stream_options');
  if (!field) {
    const start = body.indexOf('{') + 1;
    splices.push({ start, end: start, text: `"stream_options":${INCLUDE_USAGE},` });
    return true;
  }
  const options = parseJson(body.toString('utf8', field.start, field.end));
  if (options !== null && !isJson(options)) return false;
  if (options?.include_usage === true) return false;
  const text = JSON.stringify({ ...options, include_usage: true });
  splices.push({ start: field.start, end: field.end, text });
  return true;
}

function renameDeveloper(body: Buffer, fields: JsonFields, splices: Splice[]): void {
  const messages = findField(fields, 'messages');
  if (!messages || body[messages.start] !== 0x5b) return;
  for (const item of scanItems(body, messages.start)) {
    if (body[item.start] !== 0x7b) continue;
    const role = findField(scanFields(body, item.start), 'role');
    if (!role || body[role.start] !== 0x22) continue;
    if (readText(body, role.start, role.end) === 'developer') splices.push({ ...role, text: '"system"' });
  }
}
