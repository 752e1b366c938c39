/** Plain JSON values, and strict readers for our own data files: an unknown or missing field is an error that names its place. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

/** A data file of ours is wrong; the message names file and field. */
export class DataFileError extends Error {
  constructor(where: string, problem: string) {
    super(`${where}: ${problem}`);
    this.name = 'DataFileError';
  }
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Parses text; undefined when it is not JSON. */
export function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export type Kind =
  | 'string'
  | 'number'
  | 'boolean'
  | 'strings'
  | 'object'
  | 'objects'
  | 'string map'
  | 'json'
  | readonly string[];

/**
 * Checks that `value` is an object with exactly these fields (`?` at the end of a name makes it optional). A list of strings as
 * kind is a closed set. Throws DataFileError.
 */
export function checkFields(value: Json | undefined, fields: Record<string, Kind>, where: string): JsonObject {
  if (!isJsonObject(value)) throw new DataFileError(where, 'is not an object');
  const known = new Set<string>();
  for (const [field, kind] of Object.entries(fields)) {
    const optional = field.endsWith('?');
    const name = optional ? field.slice(0, -1) : field;
    known.add(name);
    const content = value[name];
    if (content === undefined) {
      if (!optional) throw new DataFileError(where, `"${name}" is missing`);
      continue;
    }
    if (!isKind(content, kind)) throw new DataFileError(where, `"${name}" is not of kind ${String(kind)}`);
  }
  for (const name of Object.keys(value))
    if (!known.has(name)) throw new DataFileError(where, `"${name}" is not a known field`);
  return value;
}

function isKind(value: Json, kind: Kind): boolean {
  if (typeof kind === 'object') return typeof value === 'string' && kind.includes(value);
  switch (kind) {
    case 'json':
      return true;
    case 'strings':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
    case 'object':
      return isJsonObject(value);
    case 'objects':
      return Array.isArray(value) && value.every(isJsonObject);
    case 'string map':
      return isJsonObject(value) && Object.values(value).every((item) => typeof item === 'string');
    default:
      return typeof value === kind;
  }
}

export function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

export function numberOf(value: Json | undefined): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

export function listOf(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

export function stringsOf(value: Json | undefined): string[] {
  return listOf(value).filter((item) => typeof item === 'string');
}

export function objectOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

export function objectsOf(value: Json | undefined): JsonObject[] {
  return listOf(value).filter(isJsonObject);
}

export function stringMapOf(value: Json | undefined): Record<string, string> {
  const map: Record<string, string> = {};
  for (const [key, item] of Object.entries(objectOf(value))) if (typeof item === 'string') map[key] = item;
  return map;
}
