import { isJson, jsonsOf, textOf } from '../../json.ts';

/**
 * Content written as a list of parts (Mistral's reasoning models): text, and thinking whose own content is a list again.
 * Shape: docs.mistral.ai/capabilities/reasoning
 */
export function readContentParts(parts: unknown): { text: string; reasoning: string } {
  let text = '';
  let reasoning = '';
  for (const part of Array.isArray(parts) ? parts : []) {
    if (typeof part === 'string') text += part;
    else if (!isJson(part)) continue;
    else if (part.type === 'thinking') reasoning += thinkingText(part.thinking);
    else text += textOf(part.text);
  }
  return { text, reasoning };
}

function thinkingText(thinking: unknown): string {
  if (typeof thinking === 'string') return thinking;
  return jsonsOf(thinking)
    .map((part) => textOf(part.text))
    .join('');
}
