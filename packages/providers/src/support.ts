import { UnsupportedFeature } from '@ownkey/contract/dialect';
import type { Wire } from '@ownkey/contract/provider';
import { CHAT_FIELDS } from './support/chat-fields.ts';
import { checkType } from './support/field-types.ts';
import { MESSAGES_FIELDS } from './support/messages-fields.ts';
import { RESPONSES_FIELDS } from './support/responses-fields.ts';

/**
 * What becomes of a field of a request when it has to be said in another wire:
 * - `mapped`: it has a counterpart (`note` says which, where that is not plain);
 * - `omitted`: it has none and changes nothing about the answer (hints to caches, labels);
 * - `refused`: it has none and would change the answer: the request is refused, naming the field.
 */
export type Rule = { kind: 'mapped'; note?: string } | { kind: 'omitted' | 'refused'; note: string };

export interface FieldSupport {
  to: Partial<Record<Wire, Rule>>;
  /** A value that asks for what happens anyway: taken everywhere. null and absence always are. */
  harmless?: (value: unknown) => boolean;
}

/**
 * The one table of what can be said across wires; docs are written from it. Names with a dot are parts of the field before the
 * dot. A top-level field that is not here is unknown: it passes between equal wires and is refused across wires.
 */
export const SUPPORT: Readonly<Record<Wire, Readonly<Record<string, FieldSupport>>>> = {
  'openai-chat': CHAT_FIELDS,
  'anthropic-messages': MESSAGES_FIELDS,
  'openai-responses': RESPONSES_FIELDS,
};

/** Names of wires in sentences. */
const WIRE_NAMES: Readonly<Record<Wire, string>> = {
  'openai-chat': 'Chat Completions',
  'openai-responses': 'Responses',
  'anthropic-messages': 'Messages',
};

/** Throws UnsupportedFeature for the first top-level field of a request that cannot be said in the other wire. */
export function checkRequest(from: Wire, to: Wire, body: Readonly<Record<string, unknown>>): void {
  const known = SUPPORT[from];
  for (const [name, value] of Object.entries(body)) {
    if (value === null || value === undefined) continue;
    const field = Object.hasOwn(known, name) ? known[name] : undefined;
    if (!field) throw new UnsupportedFeature(name, `The field "${name}" is not known and cannot be translated.`);
    checkType(name, value);
    const rule = field.to[to];
    if (rule?.kind !== 'refused' || field.harmless?.(value)) continue;
    throw refusal(name, to, rule.note);
  }
}

/** Throws the refusal the table has for a part of a field, such as a kind of content; `param` is where it stands in the request. */
export function refuse(from: Wire, to: Wire, name: string, param: string): never {
  const rule = SUPPORT[from][name]?.to[to];
  throw refusal(param, to, rule && 'note' in rule && rule.note ? rule.note : 'it has no counterpart');
}

function refusal(param: string, to: Wire, note: string): UnsupportedFeature {
  return new UnsupportedFeature(
    param,
    `"${param}" cannot be sent to a provider of the ${WIRE_NAMES[to]} API: ${note}.`,
  );
}
