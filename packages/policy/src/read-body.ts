import { isUtf8 } from 'node:buffer';
import { OwnkeyError } from '@ownkey/contract/errors';
import {
  JSON_DEPTH_MAX,
  type JsonField,
  type JsonFields,
  JsonScanError,
  readText,
  scanBodyFields,
  skipSpace,
} from '@ownkey/contract/json-scan';
import type { Wire } from '@ownkey/contract/provider';

/** What routing and bounds need of a request body of any of the three wires. */
export interface CallBody {
  /** As the caller wrote it. */
  model: string;
  /** Byte range of the model's value, quotes included; null where the body has to be written anew from `parsed`. */
  modelRange: { start: number; end: number } | null;
  stream: boolean;
  /** The stated limit of the answer in tokens: the largest of the wire's fields for it. null = none stated. */
  maxTokens: number | null;
  /** How many answers are asked for. */
  choices: number;
  /** Set only where the body had to be parsed: its keys are written in a way that two readers could read differently. */
  parsed?: Record<string, unknown>;
}

/** What each wire calls the limit of an answer. Another wire's name limits nothing: no provider of this wire reads it. */
const TOKEN_LIMITS: Readonly<Record<Wire, readonly string[]>> = {
  'openai-chat': ['max_tokens', 'max_completion_tokens'],
  'openai-responses': ['max_output_tokens'],
  'anthropic-messages': ['max_tokens'],
};
/** The longest number that is read; JSON allows any length. */
const NUMBER_BYTES_MAX = 400;
/** Nobody's models answer with more; a larger number is a mistake. */
const TOKENS_MAX = 1_000_000_000;

/**
 * Reads a request body of a wire without parsing it. Throws OwnkeyError: request.invalid_json (also for text that is not
 * UTF-8 and for data behind the object), request.too_deep, request.duplicate_key (top level), request.invalid.
 */
export function readBody(body: Buffer, wire: Wire): CallBody {
  const scan = scanBody(body);
  const model = textField(body, scan, 'model');
  if (model === null || model === '') throw invalid('model', 'The field "model" must be a text that is not empty.');
  const range = findField(scan, 'model');
  const read: CallBody = {
    model,
    modelRange: range && !scan.hasEscapedKey ? { start: range.start, end: range.end } : null,
    stream: flagField(body, scan, 'stream'),
    maxTokens: limitOf(body, scan, TOKEN_LIMITS[wire]),
    choices: countField(body, scan, 'n') ?? 1,
  };
  if (scan.hasEscapedKey) read.parsed = parseBody(body);
  return read;
}

function scanBody(body: Buffer): JsonFields {
  if (body.length === 0) throw new OwnkeyError('request.invalid_json', { problem: 'it is empty' });
  if (!isUtf8(body)) throw new OwnkeyError('request.invalid_json', { problem: 'it is not UTF-8' });
  try {
    const scan = scanBodyFields(body);
    const rest = skipSpace(body, scan.end);
    if (rest < body.length) throw new JsonScanError('syntax', rest);
    return scan;
  } catch (error) {
    throw toPublic(error);
  }
}

function toPublic(error: unknown): unknown {
  if (!(error instanceof JsonScanError)) return error;
  if (error.kind === 'depth') return new OwnkeyError('request.too_deep', { limit: JSON_DEPTH_MAX });
  if (error.kind === 'duplicate') return new OwnkeyError('request.duplicate_key', { param: error.field });
  return new OwnkeyError('request.invalid_json', { problem: `unexpected at byte ${error.position}` });
}

/** A key such as "mod\u0065l": the body is parsed, and sent on as written by one writer. */
function parseBody(body: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(body.toString());
  } catch {
    throw new OwnkeyError('request.invalid_json', { problem: 'it cannot be parsed' });
  }
}

function findField({ fields }: JsonFields, name: string): JsonField | undefined {
  return fields.find((field) => field.name === name);
}

/** The text of a field, null where it is absent, null or no text. */
function textField(body: Buffer, scan: JsonFields, name: string): string | null {
  const field = findField(scan, name);
  if (!field || body[field.start] !== 0x22) return null;
  try {
    return readText(body, field.start, field.end);
  } catch (error) {
    throw toPublic(error);
  }
}

function literalOf(body: Buffer, field: JsonField): string {
  // Whole or not at all: the beginning of a number is another number.
  return field.end - field.start > NUMBER_BYTES_MAX ? '' : body.toString('latin1', field.start, field.end);
}

function flagField(body: Buffer, scan: JsonFields, name: string): boolean {
  const field = findField(scan, name);
  if (!field) return false;
  const literal = literalOf(body, field);
  if (literal === 'true') return true;
  if (literal === 'false' || literal === 'null') return false;
  throw invalid(name, `The field "${name}" must be true or false.`);
}

function countField(body: Buffer, scan: JsonFields, name: string): number | null {
  const field = findField(scan, name);
  if (!field) return null;
  const literal = literalOf(body, field);
  if (literal === 'null') return null;
  const count = /^[-\d.eE+]+$/.test(literal) ? Number(literal) : Number.NaN;
  if (Number.isInteger(count) && count >= 1 && count <= TOKENS_MAX) return count;
  throw invalid(name, `The field "${name}" must be a whole number, 1 or more.`);
}

function limitOf(body: Buffer, scan: JsonFields, names: readonly string[]): number | null {
  let limit: number | null = null;
  for (const name of names) {
    const stated = countField(body, scan, name);
    if (stated !== null && stated > (limit ?? 0)) limit = stated;
  }
  return limit;
}

function invalid(param: string, problem: string): OwnkeyError {
  return new OwnkeyError('request.invalid', { param, problem });
}
