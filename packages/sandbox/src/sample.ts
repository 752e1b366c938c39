import { type Json, type JsonObject, listOf, numberOf, objectOf, stringsOf, textOf } from './json.ts';

const WORDS = ['Lisbon', 'Nairobi', 'Oslo'];
/** Schemas may refer to themselves; below this depth nothing is filled in. */
const DEPTH_MAX = 8;

/** A value that follows a JSON schema: all properties given, the first of every choice. `variant` picks another value. */
export function sampleOf(schema: JsonObject, variant = 0, root: JsonObject = schema, depth = 0): Json {
  if (depth > DEPTH_MAX) return null;
  const reference = textOf(schema.$ref);
  if (reference !== '') return sampleOf(resolveReference(root, reference), variant, root, depth + 1);
  if (schema.const !== undefined) return schema.const;
  const choices = listOf(schema.enum);
  if (choices.length > 0) return choices[variant % choices.length] ?? null;
  const options = [...listOf(schema.anyOf), ...listOf(schema.oneOf), ...listOf(schema.allOf)];
  if (options.length > 0) return sampleOf(objectOf(options[0]), variant, root, depth + 1);
  const type = stringsOf(schema.type)[0] ?? schema.type;
  switch (type) {
    case 'string':
      return WORDS[variant % WORDS.length] ?? '';
    case 'integer':
      return (numberOf(schema.minimum) ?? 7) + variant;
    case 'number':
      return (numberOf(schema.minimum) ?? 1.5) + variant;
    case 'boolean':
      return variant % 2 === 0;
    case 'null':
      return null;
    case 'array':
      return [sampleOf(objectOf(schema.items), variant, root, depth + 1)];
    default:
      return sampleProperties(schema, variant, root, depth);
  }
}

function sampleProperties(schema: JsonObject, variant: number, root: JsonObject, depth: number): JsonObject {
  const sample: JsonObject = {};
  for (const [name, property] of Object.entries(objectOf(schema.properties)))
    sample[name] = sampleOf(objectOf(property), variant, root, depth + 1);
  return sample;
}

function resolveReference(root: JsonObject, reference: string): JsonObject {
  let at: Json | undefined = root;
  for (const step of reference.replace(/^#\/?/, '').split('/').filter(Boolean)) at = objectOf(at)[step];
  return objectOf(at);
}
