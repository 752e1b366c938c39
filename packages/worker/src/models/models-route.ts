import type { IncomingMessage } from 'node:http';
import { OwnkeyError } from '@ownkey/contract/errors';
import { RESPONSE_HEADERS } from '@ownkey/contract/headers';
import type { Caller, CallerReader } from '../access/caller.ts';
import type { Configurations } from '../access/configurations.ts';
import { canUseModel, connectedProviders } from '../gateway/route.ts';
import type { Targets } from '../gateway/targets.ts';
import { sendJson } from '../http/respond.ts';
import type { Route } from '../http/serve.ts';
import type { ListedModel, ModelLists } from './model-lists.ts';

interface UsableModel extends ListedModel {
  slug: string;
  /** `slug/id`: what a call names. */
  name: string;
}

export interface ModelsRouteParts {
  callers: CallerReader;
  configurations: Configurations;
  targets: Targets;
  lists: ModelLists;
}

/** `GET /v1/models` and `GET /v1/models/{id}`: what this caller may use now, in the shape of the wire asked in. */
export function createModelsRoutes(parts: ModelsRouteParts): { models: Route; model: Route } {
  return {
    async models(request, response, { requestId }) {
      const models = await listUsable(parts, await readCaller(parts, request));
      const body = isAnthropic(request) ? anthropicList(models) : { object: 'list', data: models.map(openAiModel) };
      sendJson(response, 200, body, { [RESPONSE_HEADERS.requestId]: requestId });
    },
    async model(request, response, { requestId, rest }) {
      const models = await listUsable(parts, await readCaller(parts, request));
      const named = models.filter((model) => model.name === rest);
      const found = named.length > 0 ? named : models.filter((model) => model.id === rest);
      const [model] = found;
      if (model === undefined || found.length > 1) throw new OwnkeyError('not_found');
      const body = isAnthropic(request) ? anthropicModel(model) : openAiModel(model);
      sendJson(response, 200, body, { [RESPONSE_HEADERS.requestId]: requestId });
    },
  };
}

/** No reservation checks the versions here: they are looked up, and an old configuration is read again. */
async function readCaller({ callers, configurations }: ModelsRouteParts, request: IncomingMessage): Promise<Caller> {
  const caller = await callers.read(request.headers, 'inference', false);
  if (caller.fresh || (await configurations.isCurrent(caller.configuration))) return caller;
  return callers.read(request.headers, 'inference', true);
}

async function listUsable({ targets, lists }: ModelsRouteParts, caller: Caller): Promise<UsableModel[]> {
  if (!caller.configuration.company.aiEnabled) throw new OwnkeyError('ai.consent_off');
  const perProvider = await Promise.all(
    connectedProviders(targets, caller).map(async (connected) => {
      const models = await lists.list(caller, connected);
      return models
        .filter((model) => canUseModel(targets, caller, connected.slug, model.id))
        .map((model): UsableModel => ({ ...model, slug: connected.slug, name: `${connected.slug}/${model.id}` }));
    }),
  );
  return perProvider.flat();
}

function isAnthropic(request: IncomingMessage): boolean {
  return request.headers['anthropic-version'] !== undefined;
}

/** https://platform.openai.com/docs/api-reference/models/object */
function openAiModel({ name, slug, created }: UsableModel): Record<string, unknown> {
  return { id: name, object: 'model', created: created ?? 0, owned_by: slug };
}

/** https://docs.anthropic.com/en/api/models-list */
function anthropicModel({ name, id, created }: UsableModel): Record<string, unknown> {
  return { type: 'model', id: name, display_name: id, created_at: new Date((created ?? 0) * 1000).toISOString() };
}

function anthropicList(models: readonly UsableModel[]): Record<string, unknown> {
  const data = models.map(anthropicModel);
  return { data, has_more: false, first_id: models[0]?.name ?? null, last_id: models.at(-1)?.name ?? null };
}
