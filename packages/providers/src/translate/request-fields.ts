import { UnsupportedFeature } from '@ownkey/contract/dialect';
import type { NeutralRequest } from '@ownkey/contract/neutral';
import { isJson, type Json, textOf } from '../json.ts';

/** Readers of fields that the wires have in common. Each gives an object to spread, empty where the field is absent. */

/** Fields of the same name and meaning in all wires. `streamUsage` and `tools` are to be set by the wire's own reader. */
export function requestBase(body: Json): Pick<NeutralRequest, 'model' | 'stream' | 'temperature' | 'topP'> {
  return {
    model: textOf(body.model),
    stream: body.stream === true,
    ...numberField('temperature', body.temperature),
    ...numberField('topP', body.top_p),
  };
}

export function numberField<Name extends string>(name: Name, value: unknown): { [key in Name]?: number } {
  const field: { [key in Name]?: number } = {};
  if (typeof value === 'number') field[name] = value;
  return field;
}

export function textField<Name extends string>(name: Name, value: unknown): { [key in Name]?: string } {
  const field: { [key in Name]?: string } = {};
  if (typeof value === 'string' && value !== '') field[name] = value;
  return field;
}

/** A list the wire demands. Throws UnsupportedFeature. */
export function listField(body: Json, name: string): unknown[] {
  const value = body[name];
  if (Array.isArray(value)) return value;
  throw new UnsupportedFeature(name, `"${name}" must be a list.`);
}

export function stopOf(value: unknown): { stop?: string[] } {
  if (typeof value === 'string') return { stop: [value] };
  if (!Array.isArray(value) || value.length === 0) return {};
  return { stop: value.filter((item): item is string => typeof item === 'string') };
}

export function metadataOf(value: unknown): { metadata?: Record<string, string> } {
  if (!isJson(value) || Object.keys(value).length === 0) return {};
  return { metadata: Object.fromEntries(Object.entries(value).map(([name, item]) => [name, String(item)])) };
}

type Effort = NonNullable<NonNullable<NeutralRequest['reasoning']>['effort']>;
const EFFORTS: readonly Effort[] = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh'];

/** An effort by its name; Anthropic's largest is called "max". Throws UnsupportedFeature for others. */
export function effortOf(value: unknown, where: string): Effort | undefined {
  if (value === undefined || value === null) return undefined;
  const known = value === 'max' ? 'xhigh' : EFFORTS.find((effort) => effort === value);
  if (!known) throw new UnsupportedFeature(where, `"${where}" is not an effort that can be translated.`);
  return known;
}

/** Refuses members of a field that are not among those translated. Throws UnsupportedFeature. */
export function checkMembers(field: string, value: unknown, known: readonly string[]): void {
  for (const [name, member] of Object.entries(isJson(value) ? value : {}))
    if (member !== null && !known.includes(name))
      throw new UnsupportedFeature(`${field}.${name}`, `"${field}.${name}" is not known and cannot be translated.`);
}
