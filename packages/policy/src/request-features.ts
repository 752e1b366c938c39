import {
  type JsonField,
  type JsonFields,
  JsonScanError,
  readText,
  scanBodyFields,
  scanFields,
  scanItems,
} from '@ownkey/contract/json-scan';
import type { Wire } from '@ownkey/contract/provider';

/** What makes a request cost more than the bytes of its text can tell. */
export interface RequestFeatures {
  images: number;
  /** Bytes of the body that are image data: they cost by the image, not by the byte. */
  imageBytes: number;
  /** Documents, audio and video. */
  files: number;
  hasTools: boolean;
  /** Types of tools that run at the provider, each once. */
  hostedTools: string[];
  /** Asked for by name; null = the standard one. */
  serviceTier: string | null;
  /** Fields whose cost nothing in the body bounds, by name. */
  unbounded: string[];
}

const NO_FEATURES: Readonly<RequestFeatures> = {
  images: 0,
  imageBytes: 0,
  files: 0,
  hasTools: false,
  hostedTools: [],
  serviceTier: null,
  unbounded: [],
};

/**
 * Fields that bring in what the body does not hold, or that are priced apart: stored conversations, searches, other models,
 * faster or regional service, generated audio, predicted text that is billed beside the answer.
 */
const UNBOUNDED_FIELDS = new Set([
  'previous_response_id',
  'conversation',
  'prompt',
  'web_search_options',
  'search_parameters',
  'plugins',
  'mcp_servers',
  'container',
  'prediction',
  'audio',
  'models',
  'speed',
  'inference_geo',
  'compound_custom',
  'background',
  'deferred',
  'extra_body',
  'cached_content',
  'preset',
  'provider',
  'context_management',
]);
/** Values that ask for nothing of it. */
const HARMLESS = new Set(['null', 'false', '[]', '{}', '"standard"', '"global"']);
const STANDARD_TIERS = new Set(['auto', 'default', 'standard', 'standard_only', 'flex']);
/** Tools the caller runs: they cost the tokens of their descriptions alone. The last ones are the caller's too, described by the provider. */
const CALLERS_TOOL = /^(?:function|custom|bash_\d+|text_editor_\d+|computer_\d+|memory_\d+|local_shell|apply_patch)$/;

/** Beginnings of what types and fields of anything but text are called; where none is in the bytes, nothing of it is there. */
const SIGNS = [
  '"image',
  '"input_image',
  '"file',
  '"input_file',
  '"document',
  '"audio',
  '"input_audio',
  '"video',
  '"input_video',
  '"item_reference',
  '"container_upload',
].map((sign) => Buffer.from(sign));
const ESCAPE = Buffer.from('\\u00');

/**
 * Reads what bounds need, of a body that `readBody` took. Text bodies are not parsed; a body is where it has signs of
 * anything else. Pure. Throws JsonScanError where the body is no object (which `readBody` refused).
 */
export function readFeatures(body: Buffer, wire: Wire): RequestFeatures {
  const scan = scanBodyFields(body);
  const tools = readTools(body, scan);
  const features: RequestFeatures = {
    ...NO_FEATURES,
    ...tools,
    serviceTier: readTier(body, scan),
    unbounded: [
      ...scan.fields.filter((field) => isUnbounded(body, field)).map(({ name }) => name),
      ...(wire === 'openai-responses' ? unboundedItems(body, scan) : []),
    ],
  };
  return mayHoldMore(body) ? { ...features, ...countParts(body, features) } : features;
}

function isUnbounded(body: Buffer, field: JsonField): boolean {
  const value = body.toString('latin1', field.start, Math.min(field.end, field.start + 64));
  if (field.name === 'modalities') return value !== 'null' && !/^\[\s*(?:"text"\s*)?\]$/.test(value);
  // Of another type than the wire has it: what a provider makes of it is not known.
  if (field.name === 'service_tier') return body[field.start] !== 0x22 && value !== 'null';
  if (field.name === 'tools') return body[field.start] !== 0x5b && value !== 'null';
  return UNBOUNDED_FIELDS.has(field.name) && !HARMLESS.has(value);
}

/**
 * Items of a Responses request that stand for more than they hold: references to what the provider stored, and outputs of tools it
 * ran. Messages, calls and results of the caller's own tools, and reasoning that is carried along are in the body.
 */
function unboundedItems(body: Buffer, { fields }: JsonFields): string[] {
  const input = fields.find(({ name }) => name === 'input');
  if (input === undefined || body[input.start] !== 0x5b) return [];
  const found = new Set<string>();
  for (const item of scanItems(body, input.start)) {
    if (body[item.start] !== 0x7b) continue;
    const written = scanItemType(body, item.start);
    if (written === AMBIGUOUS) {
      found.add(written);
      continue;
    }
    const { fields: members } = scanFields(body, item.start);
    const has = (name: string): boolean => members.some((member) => member.name === name);
    const type = written ?? (has('role') ? 'message' : 'item_reference');
    const carried = type === 'reasoning' ? has('encrypted_content') || has('content') : CARRIED_ITEMS.has(type);
    if (!carried) found.add(type);
  }
  return [...found];
}

const CARRIED_ITEMS = new Set([
  'message',
  'function_call',
  'function_call_output',
  'custom_tool_call',
  'custom_tool_call_output',
]);

function readTier(body: Buffer, { fields }: JsonFields): string | null {
  const field = fields.find(({ name }) => name === 'service_tier');
  if (field === undefined || body[field.start] !== 0x22) return null;
  const tier = readText(body, field.start, field.end);
  return STANDARD_TIERS.has(tier) ? null : tier;
}

function readTools(body: Buffer, { fields }: JsonFields): Pick<RequestFeatures, 'hasTools' | 'hostedTools'> {
  const field = fields.find(({ name }) => name === 'tools');
  if (field === undefined || body[field.start] !== 0x5b) return { hasTools: false, hostedTools: [] };
  const items = scanItems(body, field.start);
  const hosted = new Set<string>();
  for (const item of items) {
    if (body[item.start] !== 0x7b) continue;
    const type = scanItemType(body, item.start);
    if (type !== null && !CALLERS_TOOL.test(type)) hosted.add(type);
  }
  return { hasTools: items.length > 0, hostedTools: [...hosted] };
}

const AMBIGUOUS = 'ambiguous';

/** The type of a tool or item; null where it has none, as tools of the Messages API may. */
function scanItemType(body: Buffer, start: number): string | null {
  let fields: JsonField[];
  try {
    ({ fields } = scanFields(body, start));
  } catch (error) {
    // Something named twice: which of the two a provider reads is not known.
    if (error instanceof JsonScanError && error.kind === 'duplicate') return AMBIGUOUS;
    throw error;
  }
  const type = fields.find(({ name }) => name === 'type');
  return type === undefined || body[type.start] !== 0x22 ? null : readText(body, type.start, type.end);
}

function mayHoldMore(body: Buffer): boolean {
  return SIGNS.some((sign) => body.includes(sign)) || hasEscapedLetter(body);
}

/** Whether a plain letter is written as an escape: it may hide a sign. */
function hasEscapedLetter(body: Buffer): boolean {
  for (let at = body.indexOf(ESCAPE); at >= 0; at = body.indexOf(ESCAPE, at + 1)) {
    const digit = body[at + ESCAPE.length] ?? 0;
    if (digit >= 0x32 && digit <= 0x37) return true;
  }
  return false;
}

type Counts = Pick<RequestFeatures, 'images' | 'imageBytes' | 'files' | 'unbounded'>;

function countParts(body: Buffer, { unbounded }: RequestFeatures): Counts {
  const parsed: unknown = JSON.parse(body.toString());
  const counts: Counts = { images: 0, imageBytes: 0, files: 0, unbounded: [...unbounded] };
  if (!isObject(parsed)) return counts;
  for (const name of ['messages', 'input', 'system', 'instructions']) visit(parsed[name], counts);
  return counts;
}

/** Nesting is bounded: `readBody` refuses deeper bodies. */
function visit(value: unknown, counts: Counts): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, counts);
    return;
  }
  if (!isObject(value)) return;
  const type = typeof value.type === 'string' ? value.type : '';
  // Calls and their results carry names such as `file_search_call`; what they hold is visited.
  const isPart = !/_(?:call|output|result|error)$/.test(type);
  if (isPart && type.includes('image')) {
    counts.images += 1;
    counts.imageBytes += dataBytes(value);
    return;
  }
  if (isPart && /file|document|audio|video|container_upload/.test(type) && !isTextDocument(value)) {
    counts.files += 1;
    return;
  }
  if (type === 'item_reference' && !counts.unbounded.includes(type)) counts.unbounded.push(type);
  for (const item of Object.values(value)) visit(item, counts);
}

/** Characters of base64 in an image part, however the wire nests it. */
function dataBytes(part: Record<string, unknown>): number {
  let bytes = 0;
  for (const value of Object.values(part)) {
    if (isObject(value)) bytes += dataBytes(value);
    else if (typeof value === 'string' && value.length > 64) bytes += value.length;
  }
  return bytes;
}

/** A document whose text stands in the body costs by its bytes, like any text. */
function isTextDocument(part: Record<string, unknown>): boolean {
  const source = part.source;
  return isObject(source) && source.type === 'text';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
