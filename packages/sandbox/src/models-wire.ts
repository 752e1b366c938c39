import type { Json, JsonObject } from './json.ts';
import type { Mint } from './mint.ts';
import type { Profile, SandboxModel } from './profile.ts';
import { fill, fillObject, type TemplateValues } from './template.ts';

/** 2026-01-01T00:00:00Z: everything in the sandbox was made then, so that answers do not depend on the clock. */
export const CREATED = 1_767_225_600;

/** The model list in the provider's shape, or null where it has none. */
export function modelList(profile: Profile, mint: Mint): Json {
  const list = profile.modelList;
  if (!list) return null;
  const models = profile.models.map((model) => fillObject(list.item, modelValues(model), mint));
  const first = profile.models[0]?.id ?? null;
  const last = profile.models.at(-1)?.id ?? null;
  return fill(list.answer, { models, first, last }, mint) ?? null;
}

export function modelItem(profile: Profile, model: SandboxModel, mint: Mint): JsonObject | null {
  return profile.modelList && fillObject(profile.modelList.item, modelValues(model), mint);
}

/** Finds a model by id, by the id it answers as, or by either with the "models/" that one provider lists in front. */
export function findModel(profile: Profile, id: string): SandboxModel | null {
  const bare = bareId(id);
  return (
    profile.models.find((model) => bareId(model.id) === bare) ??
    profile.models.find((model) => bareId(model.answersAs) === bare) ??
    null
  );
}

/** A model's id without the "models/" that one provider lists in front. */
export function bareId(id: string): string {
  return id.replace(/^models\//, '');
}

function modelValues(model: SandboxModel): TemplateValues {
  return {
    id: model.id,
    label: model.label,
    owner: model.owner,
    created: CREATED,
    chat: model.kind === 'chat',
    reasoning: model.reasoning,
    price_input: model.price.input,
    price_output: model.price.output,
    price_input_token: (model.price.input / 1_000_000).toFixed(9).replace(/0+$/, '').replace(/\.$/, ''),
    price_output_token: (model.price.output / 1_000_000).toFixed(9).replace(/0+$/, '').replace(/\.$/, ''),
  };
}
