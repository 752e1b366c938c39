import type { Json, JsonObject } from './json.ts';
import type { Mint } from './mint.ts';

/** Values for the placeholders of a template. A name that is present with `undefined` drops the field it stands in. */
export type TemplateValues = Readonly<Record<string, Json | undefined>>;

const VALUE = /^\$([a-z_0-9]+)(?:\|(.*))?$/s;
const INSIDE = /\{([a-z_]+)(?::(\d+))?\}/g;

/**
 * Fills a template of a provider's shape. A string `$name` becomes the value of that name, whatever its type; where it is
 * undefined the field (or list item) is left out, or `$name|json` gives what stands there instead. Inside other strings `{name}`
 * is replaced by the value's text, and `{hex:32}`, `{alnum:24}`, `{lower:24}`, `{digits:8}`, `{uuid:36}` by minted text.
 * Throws on a name that nobody knows, so that a typing error in a profile cannot go unnoticed.
 */
export function fill(template: Json, values: TemplateValues, mint: Mint): Json | undefined {
  if (typeof template === 'string') return fillText(template, values, mint);
  if (Array.isArray(template)) {
    return template.map((item) => fill(item, values, mint)).filter((item): item is Json => item !== undefined);
  }
  if (typeof template !== 'object' || template === null) return template;
  const filled: JsonObject = {};
  for (const [key, item] of Object.entries(template)) {
    const value = fill(item, values, mint);
    if (value !== undefined) filled[key] = value;
  }
  return filled;
}

/** As `fill`, for templates that are objects. */
export function fillObject(template: JsonObject, values: TemplateValues, mint: Mint): JsonObject {
  const filled = fill(template, values, mint);
  return typeof filled === 'object' && filled !== null && !Array.isArray(filled) ? filled : {};
}

/** As `fill`, for text such as header values. */
export function fillString(template: string, values: TemplateValues, mint: Mint): string {
  const filled = fillText(template, values, mint);
  return typeof filled === 'string' ? filled : String(filled ?? '');
}

function fillText(template: string, values: TemplateValues, mint: Mint): Json | undefined {
  const whole = VALUE.exec(template);
  if (whole?.[1] !== undefined) {
    const value = lookUp(whole[1], values);
    if (value !== undefined || whole[2] === undefined) return value;
    return JSON.parse(whole[2]);
  }
  if (!template.includes('{')) return template;
  return template.replace(INSIDE, (_match, name: string, length: string | undefined) => {
    if (length !== undefined) return mint.text(name, Number(length));
    const value = lookUp(name, values);
    return typeof value === 'string' ? value : JSON.stringify(value ?? null);
  });
}

function lookUp(name: string, values: TemplateValues): Json | undefined {
  if (!Object.hasOwn(values, name)) throw new Error(`No template value is called ${name}`);
  return values[name];
}
