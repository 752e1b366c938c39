import { OwnkeyError } from '@ownkey/contract/errors';

const DEPTH_MAX = 32;

/**
 * Reads a JSON body: valid UTF-8, no field named twice in one object (the last would win in silence), at most 32 levels deep,
 * no `__proto__`. @throws OwnkeyError request.invalid_json, request.duplicate_key, request.too_deep
 */
export function parseJsonBody(bytes: Buffer): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new OwnkeyError('request.invalid_json', { problem: 'it is not UTF-8' });
  }
  checkNames(text);
  try {
    return JSON.parse(text);
  } catch {
    throw new OwnkeyError('request.invalid_json', { problem: 'it cannot be parsed' });
  }
}

/** One pass over strings and brackets; what is not JSON at all is left to the parser. */
function checkNames(text: string): void {
  const open: (Set<string> | null)[] = [];
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/gs)) {
    const [token, colon] = match;
    if (token === '{' || token === '[') {
      open.push(token === '{' ? new Set() : null);
      if (open.length > DEPTH_MAX) throw new OwnkeyError('request.too_deep', { limit: DEPTH_MAX });
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
