import { join } from 'node:path';
import type { Quirks, Wire } from '@ownkey/contract/provider';
import { loadCatalogue } from '../catalogue.ts';
import type { Json } from '../json.ts';
import { DIALECTS } from './dialects.ts';

const catalogue = loadCatalogue(join(import.meta.dirname, '../../../../catalogue'));
const entry = [...catalogue.entries.values()].find(({ dialect }) => dialect === 'anthropic-messages')!;

/** A request told in another wire. */
export function tell(from: Wire, to: Wire, body: Json, quirks: Quirks = entry.quirks): Json {
  const neutral = {
    ...DIALECTS[from].readRequest({ model: 'x/m', ...body }, to),
    model: String(body.model ?? 'claude-sonnet-4-5'),
  };
  return DIALECTS[to].buildRequest(neutral, { ...entry, dialect: to, quirks }, true);
}
export const CHAT = 'openai-chat';
export const MESSAGES = 'anthropic-messages';
export const RESPONSES = 'openai-responses';
export const HI = [{ role: 'user', content: 'Hi' }];
export const TOOL = {
  type: 'function',
  function: { name: 'f', description: 'd', parameters: { type: 'object' }, strict: true },
};
export const CLAUDE_TOOL = { name: 'f', description: 'd', input_schema: { type: 'object' }, strict: true };
export const call = (id: string, args = '{"a":1}') => ({
  id,
  type: 'function',
  function: { name: 'f', arguments: args },
});
