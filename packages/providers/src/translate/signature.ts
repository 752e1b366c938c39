import type { SignatureFormat } from '@ownkey/contract/neutral';

/**
 * Signatures of thinking and of tool calls on their way through a wire that has a place for opaque text, but not for whose it is.
 * A signature in its own wire stays as it is; elsewhere it is written `<format>:<id>:<signature>` and read back by that.
 */
export type AnyFormat = SignatureFormat | 'google-gemini-v1';

const FORMATS: readonly AnyFormat[] = ['anthropic-claude-v1', 'openai-responses-v1', 'google-gemini-v1'];

export interface Signed {
  format: AnyFormat;
  /** The item or tool call it belongs to; "" where that does not matter. */
  id: string;
  signature: string;
}

/** `own` is the format the wire itself uses. */
export function packSignature({ format, id, signature }: Signed, own: AnyFormat): string {
  return format === own ? signature : `${format}:${encodeURIComponent(id)}:${signature}`;
}

export function unpackSignature(text: string, own: AnyFormat): Signed {
  const [format, id, ...rest] = text.split(':');
  const known = FORMATS.find((name) => name === format);
  if (!known || id === undefined || rest.length === 0) return { format: own, id: '', signature: text };
  return { format: known, id: decode(id), signature: rest.join(':') };
}

function decode(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}
