import type { CatalogueEntry } from '@ownkey/contract/provider';
import { matchesModel } from './catalogue.ts';
import { isJson, type Json, jsonOf, jsonsOf, listOf, parseJson, storableText, textOf, textOrNull } from './json.ts';
import { tokensOf } from './tokens.ts';

/** A model as a provider lists it, as far as it says. */
export interface ListedModel {
  id: string;
  /** Whether it answers chats: embeddings, images, speech and the like do not. */
  chat: boolean;
  /** Seconds since 1970. */
  created?: number;
  ownedBy?: string;
  displayName?: string;
  contextTokens?: number;
  maxOutputTokens?: number;
  /** The provider is going to end it. */
  deprecated?: boolean;
}

/** The provider's answer holds no list of models. */
export class UnreadableModelList extends Error {
  constructor(provider: string) {
    super(`the model list of ${provider} has an unknown form`);
    this.name = 'UnreadableModelList';
  }
}

/** Longest id read, and most models of one list. */
const ID_CHARACTERS_MAX = 256;
const MODELS_MAX = 10_000;

/** The models in a provider's answer, in its order, each once. Throws UnreadableModelList. Pure. */
export function readModelList(entry: CatalogueEntry, body: Buffer): ListedModel[] {
  const value = parseJson(body.toString());
  const items = itemsOf(entry, value);
  if (items === null) throw new UnreadableModelList(entry.id);
  const models = new Map<string, ListedModel>();
  for (const item of items.slice(0, MODELS_MAX)) {
    const id = idOf(entry, item);
    if (id !== null && !models.has(id)) models.set(id, readModel(entry, id, item));
  }
  return [...models.values()];
}

function itemsOf(entry: CatalogueEntry, value: unknown): Json[] | null {
  const field = entry.models?.list_field ?? 'data';
  const found = isJson(value) && field !== '' ? (value[field] ?? value.data ?? value.models) : value;
  return Array.isArray(found) ? jsonsOf(found) : null;
}

function idOf(entry: CatalogueEntry, item: Json): string | null {
  const written = textOrNull(item[entry.models?.id_field ?? 'id']) ?? textOrNull(item.name);
  const prefix = entry.models?.strip_prefix ?? '';
  const id = written?.startsWith(prefix) ? written.slice(prefix.length) : written;
  return id && id.length <= ID_CHARACTERS_MAX && !/[\s\p{C}]/u.test(id) ? id : null;
}

function readModel(entry: CatalogueEntry, id: string, item: Json): ListedModel {
  const model: ListedModel = { id, chat: isChat(entry, id, item) };
  const created = createdOf(item);
  if (created !== null) model.created = created;
  const owner = textOrNull(item.owned_by) ?? textOrNull(item.organization);
  if (owner !== null) model.ownedBy = storableText(owner.slice(0, ID_CHARACTERS_MAX));
  const name = textOrNull(item.display_name) ?? textOrNull(item.name);
  if (name !== null && name !== id) model.displayName = storableText(name.slice(0, ID_CHARACTERS_MAX));
  const context = firstCount(item, [
    'context_length',
    'context_window',
    'max_context_length',
    'max_model_len',
    'max_input_tokens',
  ]);
  if (context !== null) model.contextTokens = context;
  const output =
    firstCount(item, ['max_completion_tokens', 'max_output_tokens', 'max_tokens']) ??
    tokensOf(jsonOf(item.top_provider).max_completion_tokens);
  if (output) model.maxOutputTokens = output;
  if (item.deprecation || item.deprecated === true || item.active === false) model.deprecated = true;
  return model;
}

/** Kinds of models that some lists name and that do not chat. */
const OTHER_KINDS = new Set([
  'embedding',
  'image',
  'audio',
  'moderation',
  'rerank',
  'transcribe',
  'video',
  'code-search',
]);

function isChat(entry: CatalogueEntry, id: string, item: Json): boolean {
  if (entry.not_chat_models.some((pattern) => matchesModel(pattern, id))) return false;
  if (jsonOf(item.capabilities).completion_chat === false) return false;
  if (OTHER_KINDS.has(textOf(item.type))) return false;
  const outputs = listOf(jsonOf(item.architecture).output_modalities);
  return outputs.length === 0 || outputs.includes('text');
}

function createdOf(item: Json): number | null {
  const written = item.created ?? item.created_at;
  if (typeof written === 'number' && written > 0 && Number.isSafeInteger(written)) return written;
  const parsed = typeof written === 'string' ? Date.parse(written) : Number.NaN;
  return Number.isNaN(parsed) ? null : Math.floor(parsed / 1000);
}

function firstCount(item: Json, names: string[]): number | null {
  for (const name of names) {
    const count = tokensOf(item[name]);
    if (count) return count;
  }
  return null;
}
