/** What a key test sends: which models it tries, and the smallest request. */
import type { CallerRequest } from '@ownkey/contract/dialect';
import type { CatalogueEntry } from '@ownkey/contract/provider';
import { matchesModel } from '@ownkey/providers/catalogue';

const MODELS_TRIED_MAX = 3;
/** Least that reasoning families accept. */
const ANSWER_TOKENS = 16;

/** Models to try, likeliest first: maintained ones the key has, then any chat model it has; without a list the maintained ones. */
export function chooseModels(entry: CatalogueEntry, listed: readonly string[] | null): string[] {
  const { models } = entry.probe;
  if (listed === null) return models.slice(0, MODELS_TRIED_MAX);
  const chat = listed.filter((model) => !entry.not_chat_models.some((pattern) => matchesModel(pattern, model)));
  const known = models.filter((model) => listed.includes(model));
  return [...new Set([...known, ...chat])].slice(0, MODELS_TRIED_MAX);
}

/** One short question, in the provider's own wire. Chat completions and messages take the same three members. */
export function minimalRequest(entry: CatalogueEntry, model: string): CallerRequest {
  const parsed = { model, messages: [{ role: 'user', content: 'Reply with: ok' }], max_tokens: ANSWER_TOKENS };
  const body = Buffer.from(JSON.stringify(parsed));
  const start = body.indexOf(JSON.stringify(model));
  return {
    wire: entry.dialect,
    body,
    parsed,
    modelRange: { start, end: start + Buffer.byteLength(JSON.stringify(model)) },
    stream: false,
    upstreamModel: model,
    callerModel: model,
    headers: {},
  };
}
