import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CUSTOM_PROVIDER } from '@ownkey/contract/key';
import type { CatalogueEntry, EndpointPreset, KeyShape, ProviderTarget } from '@ownkey/contract/provider';
import { readEntry, readPreset } from './catalogue-schema.ts';

/** The providers and endpoint presets of one installation. Immutable; read once at start. */
export interface Catalogue {
  /** By id, in order of id. */
  readonly entries: ReadonlyMap<string, CatalogueEntry>;
  readonly presets: ReadonlyMap<string, EndpointPreset>;
  /** Lower-case alias → id. */
  readonly aliases: ReadonlyMap<string, string>;
}

/** Every problem of the catalogue's files at once, one a line, each with its file and field. */
export class CatalogueError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`The catalogue cannot be used:\n${problems.map((problem) => `- ${problem}`).join('\n')}`);
    this.name = 'CatalogueError';
    this.problems = problems;
  }
}

const SUFFIX = '.json';
const ID_PATTERN = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;

/**
 * Reads `<directory>/providers/*.json` and `<directory>/endpoint-presets/*.json`, strictly. Synchronous, for use at start.
 * Throws CatalogueError with all problems of all files.
 */
export function loadCatalogue(directory: string): Catalogue {
  const problems: string[] = [];
  const entries = readFolder(join(directory, 'providers'), 'providers', readEntry, problems);
  const presets = readFolder(join(directory, 'endpoint-presets'), 'endpoint-presets', readPreset, problems);
  if (entries.size === 0 && problems.length === 0) problems.push('providers: there is no entry');
  const aliases = new Map<string, string>();
  for (const entry of entries.values()) {
    for (const alias of entry.aliases) {
      const owner = entries.has(alias) ? alias : aliases.get(alias);
      if (owner !== undefined || alias === CUSTOM_PROVIDER) {
        problems.push(`providers/${entry.id}${SUFFIX}: alias "${alias}" is taken by ${owner ?? 'custom endpoints'}`);
      }
      aliases.set(alias, entry.id);
    }
  }
  if (problems.length > 0) throw new CatalogueError(problems);
  return { entries, presets, aliases };
}

/** The entry called so: an id or an alias, in any case (`CLAUDE` works). undefined for anything else. */
export function resolveProvider(catalogue: Catalogue, idOrAlias: string): CatalogueEntry | undefined {
  const name = idOrAlias.toLowerCase();
  return catalogue.entries.get(name) ?? catalogue.entries.get(catalogue.aliases.get(name) ?? '');
}

/** A catalogue provider as a destination. `baseUrlOverride` is the operator's own setting; never a caller's. */
export function targetFor(entry: CatalogueEntry, baseUrlOverride?: string | null): ProviderTarget {
  return {
    provider: entry.id,
    slug: entry.id,
    entry,
    baseUrl: withoutTrailingSlash(baseUrlOverride || entry.base_url),
    custom: false,
  };
}

/**
 * A company's own endpoint as a destination: the preset's behaviour at its own address. The address must have passed the guard.
 * Unknown presets (a row from a newer version) get the behaviour of the most general one.
 */
export function customTarget(
  catalogue: Catalogue,
  presetId: string | null,
  slug: string,
  baseUrl: string,
): ProviderTarget {
  const preset = (presetId ? catalogue.presets.get(presetId) : undefined) ?? catalogue.presets.get(GENERAL_PRESET);
  if (!preset) throw new CatalogueError([`endpoint-presets: "${GENERAL_PRESET}" is missing`]);
  const base = withoutTrailingSlash(baseUrl);
  const modelList = preset.models?.path ?? '/models';
  const entry: CatalogueEntry = {
    id: CUSTOM_PROVIDER,
    name: slug,
    aliases: [],
    dialect: preset.dialect,
    base_url: base,
    auth: preset.auth,
    key: UNKNOWN_SHAPE,
    key_page: '',
    billing_page: '',
    key_help: [],
    probe: { path: modelList, proves_key: false, models: [] },
    models: preset.models,
    curated_models: [],
    not_chat_models: preset.not_chat_models,
    abilities: preset.abilities,
    quirks: preset.quirks,
    docs: preset.docs ?? '',
    read_on: preset.read_on,
  };
  return { provider: CUSTOM_PROVIDER, slug, entry, baseUrl: base, custom: true };
}

/** What the form check of a pasted key needs of every provider. */
export function keyShapes(catalogue: Catalogue): { id: string; name: string; key: KeyShape }[] {
  return [...catalogue.entries.values()].map(({ id, name, key }) => ({ id, name, key }));
}

/** What an answer of this model may hold at most, as far as the catalogue knows; null = unknown. Tokens. */
export function maxOutputTokens(entry: CatalogueEntry, model: string): number | null {
  return entry.model_limits?.find((limit) => matchesModel(limit.models, model))?.max_output_tokens ?? null;
}

const patterns = new Map<string, RegExp>();

/** Whether a model id begins with what the catalogue's pattern describes (patterns are anchored at the start, case counts). */
export function matchesModel(source: string, model: string): boolean {
  let pattern = patterns.get(source);
  if (!pattern) {
    pattern = new RegExp(`^(?:${source})`);
    patterns.set(source, pattern);
  }
  return pattern.test(model);
}

export const GENERAL_PRESET = 'openai-compatible';

const UNKNOWN_SHAPE: KeyShape = { prefixes: [], min_length: 1, max_length: 4096, usual_length: 40, hint: '' };

function withoutTrailingSlash(url: string): string {
  return url.replace(/\/+$/, '');
}

/** Reads `<id>.json` of a folder, by id in order; adds every problem with its file. `name`: the folder's, for those. */
export function readFolder<T extends { id: string }>(
  folder: string,
  name: string,
  read: (id: string, data: unknown, problems: string[]) => T,
  problems: string[],
): Map<string, T> {
  const found = new Map<string, T>();
  for (const file of listFolder(folder, name, problems)) {
    const id = file.slice(0, -SUFFIX.length);
    const where = `${name}/${file}`;
    if (!ID_PATTERN.test(id)) problems.push(`${where}: the file's name is no id (lower-case letters, digits, hyphens)`);
    const own: string[] = [];
    try {
      found.set(id, read(id, JSON.parse(readFileSync(join(folder, file), 'utf8')), own));
    } catch (error) {
      own.push(error instanceof Error ? error.message : String(error));
    }
    problems.push(...own.map((problem) => `${where}: ${problem}`));
  }
  return found;
}

function listFolder(folder: string, name: string, problems: string[]): string[] {
  try {
    return readdirSync(folder)
      .filter((file) => file.endsWith(SUFFIX))
      .sort();
  } catch (error) {
    problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
}
