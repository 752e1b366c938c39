/**
 * The one representation translation goes through: caller wire → neutral → provider dialect, and back for answers.
 * It is a superset of the three wires for what can be carried over; what has no place here is refused by name.
 */

/** Whose signature a piece of thinking bears: it goes back only to where it came from. Names as OpenRouter writes them. */
export type SignatureFormat = 'anthropic-claude-v1' | 'openai-responses-v1';

export type NeutralPart =
  | { type: 'text'; text: string; cacheControl?: unknown }
  | {
      type: 'image';
      source: { kind: 'url'; url: string } | { kind: 'base64'; mediaType: string; data: string };
      detail?: string;
      cacheControl?: unknown;
    }
  | {
      type: 'file';
      source:
        | { kind: 'url'; url: string }
        | { kind: 'base64'; mediaType: string; data: string }
        | { kind: 'id'; id: string };
      filename?: string;
      cacheControl?: unknown;
    }
  | { type: 'thinking'; text: string; signature?: string; format?: SignatureFormat; id?: string }
  | { type: 'redacted-thinking'; data: string; format?: SignatureFormat }
  | { type: 'tool-call'; id: string; name: string; arguments: string; signature?: string; cacheControl?: unknown }
  | { type: 'tool-result'; callId: string; content: NeutralPart[]; isError?: boolean; cacheControl?: unknown }
  | { type: 'refusal'; text: string };

export interface NeutralMessage {
  role: 'system' | 'developer' | 'user' | 'assistant' | 'tool';
  parts: NeutralPart[];
  name?: string;
}

export interface NeutralTool {
  name: string;
  description?: string;
  parameters: unknown;
  strict?: boolean;
  cacheControl?: unknown;
}

export type NeutralToolChoice = { type: 'auto' | 'none' | 'any' } | { type: 'tool'; name: string };

export interface NeutralRequest {
  model: string;
  messages: NeutralMessage[];
  tools: NeutralTool[];
  toolChoice?: NeutralToolChoice;
  parallelTools?: boolean;
  maxTokens?: number;
  temperature?: number;
  topP?: number;
  topK?: number;
  stop?: string[];
  stream: boolean;
  /** The caller asked for usage in the stream itself. */
  streamUsage: boolean;
  user?: string;
  reasoning?: {
    effort?: 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh';
    budgetTokens?: number;
    summary?: string;
  };
  format?:
    | { type: 'text' | 'json-object' }
    | { type: 'json-schema'; name: string; schema: unknown; strict?: boolean; description?: string };
  seed?: number;
  frequencyPenalty?: number;
  presencePenalty?: number;
  metadata?: Record<string, string>;
  serviceTier?: string;
  /** How much is to be said: a setting of the OpenAI wires alone. */
  verbosity?: string;
  /** Hints to the cache of the OpenAI wires: which requests share a beginning, and how long to keep it. */
  cacheKey?: string;
  cacheRetention?: string;
}

export type NeutralStop = 'stop' | 'length' | 'tool-calls' | 'content-filter' | 'stop-sequence' | 'refusal' | 'pause';

/** A whole answer. `usage` is null where the provider reported none. */
export interface NeutralAnswer {
  id: string;
  model: string;
  /** Seconds since 1970. */
  created?: number;
  parts: NeutralPart[];
  stop: NeutralStop;
  stopSequence?: string;
  usage: import('./usage.ts').Usage | null;
}

/** Stream of an answer, noun-verb. Blocks are opened and closed in order; exactly one start, one finish. */
export type NeutralEvent =
  | { type: 'message-start'; id: string; model: string; created?: number }
  | { type: 'text-start' }
  | { type: 'text-delta'; text: string }
  | { type: 'text-end' }
  | { type: 'thinking-start'; id?: string }
  | { type: 'thinking-delta'; text: string }
  | { type: 'thinking-signature'; signature: string; format: SignatureFormat }
  | { type: 'thinking-end' }
  | { type: 'redacted-thinking'; data: string; format: SignatureFormat }
  | { type: 'refusal-delta'; text: string }
  | { type: 'tool-start'; id: string; name: string; signature?: string }
  | { type: 'tool-delta'; arguments: string }
  | { type: 'tool-end' }
  | { type: 'usage'; usage: import('./usage.ts').Usage; final: boolean }
  | { type: 'message-finish'; stop: NeutralStop; stopSequence?: string }
  | { type: 'error'; failure: import('./dialect.ts').ProviderFailure }
  | { type: 'ping' };
