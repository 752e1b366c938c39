import type { ESTIMATE_WIRES } from '@ownkey/contract/api/money';
import { OwnkeyError } from '@ownkey/contract/errors';

export type EstimateWire = (typeof ESTIMATE_WIRES)[number];

/** The text a model reads, of a request of any wire. */
export interface RequestText {
  readonly texts: readonly string[];
  /** Turns and tools: each has a few tokens of its own around it. */
  readonly items: number;
}

/** Per wire: where the conversation is, and what else the model reads. */
const FIELDS: Readonly<Record<EstimateWire, { turns: string; others: readonly string[] }>> = {
  'openai-chat': { turns: 'messages', others: ['tools', 'functions', 'response_format'] },
  'openai-responses': { turns: 'input', others: ['instructions', 'tools', 'text'] },
  'anthropic-messages': { turns: 'messages', others: ['system', 'tools', 'output_config'] },
};

/** Names whose values the model does not read as text. */
const NOT_READ = new Set(['id', 'role', 'type', 'status', 'call_id', 'tool_call_id', 'tool_use_id', 'cache_control']);
/** Parts that are priced by themselves. */
const NO_TEXT = /image|audio|video|file/;

export function wireOf(body: Readonly<Record<string, unknown>>): EstimateWire {
  return body.input !== undefined && body.messages === undefined ? 'openai-responses' : 'openai-chat';
}

/** Depth is bounded by the reader of the body. @throws OwnkeyError request.invalid where there is no conversation */
export function readText(wire: EstimateWire, body: Readonly<Record<string, unknown>>): RequestText {
  const { turns, others } = FIELDS[wire];
  const conversation = body[turns];
  const isText = turns === 'input' && typeof conversation === 'string';
  if (!isText && !Array.isArray(conversation))
    throw new OwnkeyError('request.invalid', {
      problem: `${turns}: send the body of a call, with its ${turns}.`,
      param: turns,
    });
  const texts: string[] = [];
  collect(conversation, texts);
  for (const name of others) collect(body[name], texts);
  const tools = Array.isArray(body.tools) ? body.tools.length : 0;
  return { texts, items: (Array.isArray(conversation) ? conversation.length : 1) + tools };
}

function collect(value: unknown, texts: string[]): void {
  if (typeof value === 'string') texts.push(value);
  else if (Array.isArray(value)) for (const item of value) collect(item, texts);
  else if (typeof value === 'object' && value !== null) {
    const type = 'type' in value && typeof value.type === 'string' ? value.type : '';
    if (NO_TEXT.test(type) && !/_(?:call|result|output)$/.test(type)) return;
    for (const [name, item] of Object.entries(value)) if (!NOT_READ.has(name)) collect(item, texts);
  }
}
