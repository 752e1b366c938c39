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

/** An effort by its name; Anthropic's largest is called "max". undefined for anything else. */
export function effortOf(value: unknown): Effort | undefined {
  return value === 'max' ? 'xhigh' : EFFORTS.find((effort) => effort === value);
}
