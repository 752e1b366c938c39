import type { CatalogueEntry } from '@ownkey/contract/provider';

/** One model of a provider's own list. */
export interface ListedModel {
  id: string;
  /** Seconds since 1970, where the provider says. */
  created?: number;
  ownedBy?: string;
  contextTokens?: number;
  outputTokensMax?: number;
  /** false for what is known not to answer chats (embeddings, speech, images, moderation). */
  chat: boolean;
}

/** More than any provider lists; a longer answer is cut, so that a hostile endpoint costs bounded memory. */
const MODELS_MAX = 5000;
const ID_LENGTH_MAX = 256;

/**
 * The models in a provider's answer, without repeats, in its order; entries without a usable id are left out.
 * @throws SyntaxError when the body is not JSON, TypeError when it holds no list
 */
export function readModelList(entry: CatalogueEntry, body: Buffer): ListedModel[] {
  const spec = entry.models;
  if (spec === null) return [];
  const parsed: unknown = JSON.parse(body.toString('utf8'));
  const list = Array.isArray(parsed) ? parsed : fieldOf(parsed, spec.list_field);
  if (!Array.isArray(list)) throw new TypeError(`no list of models under "${spec.list_field}"`);
  const notChat = entry.not_chat_models.map((source) => new RegExp(`^(?:${source})`));
  const models = new Map<string, ListedModel>();
  for (const item of list.slice(0, MODELS_MAX)) {
    const id = idOf(fieldOf(item, spec.id_field), spec.strip_prefix ?? '');
    if (id === null || models.has(id)) continue;
    models.set(id, describe(id, item, !notChat.some((pattern) => pattern.test(id))));
  }
  return [...models.values()];
}

function describe(id: string, item: unknown, chat: boolean): ListedModel {
  const model: ListedModel = { id, chat };
  const created = secondsOf(fieldOf(item, 'created')) ?? secondsOf(fieldOf(item, 'created_at'));
  if (created !== null) model.created = created;
  const owner = fieldOf(item, 'owned_by');
  if (typeof owner === 'string' && owner !== '') model.ownedBy = owner;
  const context = countOf(item, [
    'context_window',
    'context_length',
    'max_context_length',
    'max_model_len',
    'max_input_tokens',
  ]);
  if (context !== null) model.contextTokens = context;
  const output = countOf(item, ['max_completion_tokens', 'max_output_tokens', 'max_tokens']);
  if (output !== null) model.outputTokensMax = output;
  return model;
}

function idOf(value: unknown, prefix: string): string | null {
  if (typeof value !== 'string') return null;
  const id = prefix !== '' && value.startsWith(prefix) ? value.slice(prefix.length) : value;
  return id === '' || id.length > ID_LENGTH_MAX || /[\0-\x20\x7f]/.test(id) ? null : id;
}

/** Seconds since 1970 from seconds or an ISO time; 0 means "not known" at several providers. */
function secondsOf(value: unknown): number | null {
  const seconds = typeof value === 'string' ? Math.floor(Date.parse(value) / 1000) : value;
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0 ? Math.floor(seconds) : null;
}

function countOf(item: unknown, names: readonly string[]): number | null {
  for (const name of names) {
    const value = fieldOf(item, name);
    if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
  }
  return null;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
