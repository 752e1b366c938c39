import { UnsupportedFeature } from '@ownkey/contract/dialect';
import { isJson } from '../json.ts';

/** Types of fields that mean the same in all wires. A value of another type would get lost in translation, a limit above all. */
const TYPES: readonly [type: string, isOf: (value: unknown) => boolean, names: readonly string[]][] = [
  [
    'a number',
    (value) => typeof value === 'number',
    [
      'max_tokens',
      'max_completion_tokens',
      'max_output_tokens',
      'temperature',
      'top_p',
      'top_k',
      'seed',
      'frequency_penalty',
      'presence_penalty',
    ],
  ],
  ['true or false', (value) => typeof value === 'boolean', ['parallel_tool_calls']],
  ['a list', (value) => Array.isArray(value), ['tools', 'stop_sequences']],
  ['a text or a list of texts', isTexts, ['stop']],
  [
    'a text',
    (value) => typeof value === 'string',
    ['service_tier', 'verbosity', 'prompt_cache_key', 'prompt_cache_retention', 'user', 'safety_identifier'],
  ],
  [
    'an object',
    isJson,
    ['metadata', 'response_format', 'reasoning', 'text', 'thinking', 'output_config', 'stream_options'],
  ],
];

const TYPE_OF = new Map(TYPES.flatMap(([type, isOf, names]) => names.map((name) => [name, { type, isOf }] as const)));

/** Throws UnsupportedFeature where a field has a value of another type than it is to have. */
export function checkType(name: string, value: unknown): void {
  const known = TYPE_OF.get(name);
  if (known && !known.isOf(value)) throw new UnsupportedFeature(name, `"${name}" must be ${known.type}.`);
}

function isTexts(value: unknown): boolean {
  return typeof value === 'string' || (Array.isArray(value) && value.every((item) => typeof item === 'string'));
}
