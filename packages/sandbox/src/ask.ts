/** What a caller asked for, whatever wire it came over: all that the sandbox needs for composing an answer. */
import type { Json, JsonObject } from './json.ts';
import type { ErrorKind } from './profile.ts';

export interface OfferedTool {
  name: string;
  schema: JsonObject;
}

export interface Ask {
  model: string;
  stream: boolean;
  lastUserText: string;
  /** Answers of tools that came after the last user message; empty on a first turn. */
  toolResults: string[];
  tools: OfferedTool[];
  /** Some tool has to be called, or this one. */
  mustCall: boolean;
  namedTool: string | null;
  maxTokens: number | null;
  stop: string[];
  /** Tokens of all that was sent, by the sandbox's rule. */
  inputTokens: number;
  images: number;
  /** Schema the answer has to follow; an empty object for "any JSON". */
  answerSchema: JsonObject | null;
  thinkingAsked: boolean;
  includeUsage: boolean;
  streamOptionsSent: boolean;
  /** Cache writes are to live for an hour. */
  hourCache: boolean;
}

/** A request that no provider would serve; answered in the provider's shape. */
export class BadRequest extends Error {
  readonly kind: ErrorKind;
  readonly param: string;

  constructor(param: string, message: string, kind: ErrorKind = 'bad_request') {
    super(message);
    this.name = 'BadRequest';
    this.kind = kind;
    this.param = param;
  }
}

/** Adds up the bytes of everything that counts as input. */
export class InputCount {
  bytes = 0;
  images = 0;

  add(text: string): void {
    this.bytes += Buffer.byteLength(text);
  }

  /** A tool counts with its name, its description and its schema, the same on every wire. */
  addTool(name: string, description: string, schema: Json): void {
    this.add(name);
    this.add(description);
    this.add(JSON.stringify(schema));
  }
}
