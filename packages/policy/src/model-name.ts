import { AUTO_MODEL } from '@ownkey/contract/model-choice';

/** A model's name as callers write it, split where that is possible. */
export type ModelName =
  | { kind: 'named'; slug: string; model: string }
  /** No provider is named: exactly one connected provider must have this model. */
  | { kind: 'bare'; model: string };

/** Longest model name read. Anything longer is no model of anybody. */
export const MODEL_NAME_CHARACTERS_MAX = 256;

/**
 * Splits `provider/model` on the first segment only, and only when `findSlug` knows that segment (a provider's id or alias, or
 * the slug of one of the company's endpoints); so `org/model` of a provider that names its models this way stays whole.
 * `findSlug` gets the segment as written and returns the canonical slug or null.
 */
export function parseModelName(name: string, findSlug: (segment: string) => string | null): ModelName {
  const cut = name.indexOf('/');
  if (cut <= 0 || cut === name.length - 1) return { kind: 'bare', model: name };
  const slug = findSlug(name.slice(0, cut));
  return slug === null ? { kind: 'bare', model: name } : { kind: 'named', slug, model: name.slice(cut + 1) };
}

/**
 * What a call's model name stands for: itself, or for `auto` what was chosen for its operation, else for all. Null = nothing was chosen.
 */
export function chosenModel(
  name: string,
  operation: string | null,
  chosen: { get(operation: string): string | undefined },
): string | null {
  if (name !== AUTO_MODEL) return name;
  return chosen.get(operation ?? '') ?? chosen.get('') ?? null;
}

/** Models of one connected provider, as far as they are known. */
export interface ConnectedModels {
  slug: string;
  models: readonly string[];
}

export type BareModel =
  | { kind: 'found'; slug: string; model: string }
  | { kind: 'none'; code: 'model.unknown' | 'provider.unknown'; facts: Record<string, string> }
  | { kind: 'none'; code: 'model.ambiguous'; facts: Record<string, string> };

/** Finds the one connected provider that has `model`; several or none is a refusal that says so. */
export function resolveBareModel(model: string, connected: readonly ConnectedModels[]): BareModel {
  const slugs = connected.filter((provider) => provider.models.includes(model)).map((provider) => provider.slug);
  const [slug] = slugs;
  if (slug === undefined) return unknownModel(model);
  if (slugs.length === 1) return { kind: 'found', slug, model };
  return { kind: 'none', code: 'model.ambiguous', facts: { param: 'model', model, providers: slugs.join(', ') } };
}

/** `nobody/model` is more likely a misspelt provider than a model with a slash in its name. */
function unknownModel(model: string): BareModel {
  const shown = model.slice(0, MODEL_NAME_CHARACTERS_MAX);
  const cut = shown.indexOf('/');
  return cut > 0
    ? { kind: 'none', code: 'provider.unknown', facts: { param: 'model', provider: shown.slice(0, cut) } }
    : { kind: 'none', code: 'model.unknown', facts: { param: 'model', model: shown } };
}
