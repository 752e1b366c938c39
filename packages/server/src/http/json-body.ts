import { OwnkeyError } from '@ownkey/contract/errors';

const LEVELS_MAX = 32;

/**
 * Reads a JSON body: valid UTF-8, no field named twice in one object (the last would win in silence), at most `levelsMax` levels
 * deep, no `__proto__`. @throws OwnkeyError request.invalid_json, request.duplicate_key, request.too_deep
 */
export function parseJsonBody(bytes: Buffer, levelsMax: number = LEVELS_MAX): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new OwnkeyError('request.invalid_json', { problem: 'it is not UTF-8' });
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new OwnkeyError('request.invalid_json', { problem: 'it cannot be parsed' });
  }
  checkNames(text, levelsMax);
  return parsed;
}

/** One pass over strings and brackets of what was parsed: looking for the end of a string that has none would take for ever. */
function checkNames(text: string, levelsMax: number): void {
  const open: (Set<string> | null)[] = [];
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/gs)) {
    const [token, colon] = match;
    if (token === '{' || token === '[') {
      open.push(token === '{' ? new Set() : null);
      if (open.length > levelsMax) throw new OwnkeyError('request.too_deep', { limit: levelsMax });
    } else if (token === '}' || token === ']') open.pop();
    else if (colon !== undefined) addName(open.at(-1), token.slice(0, token.lastIndexOf('"') + 1));
  }
}

function addName(names: Set<string> | null | undefined, quoted: string): void {
  const name = unquote(quoted);
  if (name === null) return;
  if (name === '__proto__')
    throw new OwnkeyError('request.invalid', { problem: 'A field has a reserved name.', param: name });
  if (names?.has(name)) throw new OwnkeyError('request.duplicate_key', { param: name.slice(0, 100) });
  names?.add(name);
}

function unquote(quoted: string): string | null {
  try {
    const value: unknown = JSON.parse(quoted);
    return typeof value === 'string' ? value : null;
  } catch {
    return null;
  }
}
