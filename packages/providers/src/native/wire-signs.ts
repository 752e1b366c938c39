import type { Quirks, Wire } from '@ownkey/contract/provider';
import type { Usage } from '@ownkey/contract/usage';
import { readMessagesUsage } from '../dialects/anthropic-messages/read-usage.ts';
import { readChatUsage } from '../dialects/openai-chat/read-usage.ts';
import { readResponsesUsage } from '../dialects/openai-responses/read-usage.ts';
import { isJson, type Json, jsonOf } from '../json.ts';

/** What a native stream is watched for, by wire. */
export interface WireSigns {
  /** Text that the stream's last event holds, and `isEnd` tells from others that hold it too. */
  end: string[];
  isEnd(event: Json): boolean;
  /** Text that shows that the answer is complete, though the stream's own last event may be missing. */
  finish: string[];
  /** Usage in one event; `before` is the usage value of an earlier event. `isFinal`: nothing more is expected. */
  readUsage(event: Json, quirks: Quirks, before: unknown): { usage: Usage; raw: unknown; isFinal: boolean } | null;
  /** The error an event is, or null. */
  readError(event: Json): unknown;
  /** What ends a stream properly where the provider forgot it; null = nothing can be added. */
  lastEvent: string | null;
}

const CHAT: WireSigns = {
  end: ['[DONE]'],
  isEnd: () => false,
  finish: ['finish_reason":"', 'finish_reason": "'],
  readUsage(event, quirks) {
    const raw = isJson(event.usage) ? event.usage : jsonOf(event.x_groq).usage;
    const usage = readChatUsage(raw, quirks);
    return usage && { usage, raw, isFinal: isUsageOnly(event) || hasFinish(event) };
  },
  readError: (event) => (isJson(event.error) || typeof event.error === 'string' ? event : null),
  lastEvent: 'data: [DONE]\n\n',
};

const MESSAGES: WireSigns = {
  end: ['message_stop"'],
  isEnd: (event) => event.type === 'message_stop',
  finish: [],
  readUsage(event, _, before) {
    const isStart = event.type === 'message_start';
    const raw = isStart ? jsonOf(event.message).usage : event.usage;
    const usage = isJson(raw) ? readMessagesUsage(raw, isStart ? null : before) : null;
    return usage && { usage, raw, isFinal: event.type === 'message_delta' };
  },
  readError: (event) => (event.type === 'error' ? event : null),
  lastEvent: 'event: message_stop\ndata: {"type":"message_stop"}\n\n',
};

const RESPONSES: WireSigns = {
  end: ['response.completed"', 'response.incomplete"', 'response.failed"'],
  isEnd: (event) => /^response\.(?:completed|incomplete|failed)$/.test(String(event.type)),
  finish: [],
  readUsage(event) {
    const raw = jsonOf(event.response).usage;
    const usage = readResponsesUsage(raw);
    return usage && { usage, raw, isFinal: true };
  },
  readError(event) {
    if (event.type === 'error') return isJson(event.error) ? event : { error: event };
    if (event.type !== 'response.failed') return null;
    const { error } = jsonOf(event.response);
    return isJson(error) ? { error } : event;
  },
  lastEvent: null,
};

export const WIRE_SIGNS: Readonly<Record<Wire, WireSigns>> = {
  'openai-chat': CHAT,
  'anthropic-messages': MESSAGES,
  'openai-responses': RESPONSES,
};

/** A chunk that exists for its usage alone: sent where `include_usage` was asked. */
export function isUsageOnly(event: Json): boolean {
  return Array.isArray(event.choices) && event.choices.length === 0 && isJson(event.usage);
}

function hasFinish(event: Json): boolean {
  return (
    Array.isArray(event.choices) && event.choices.some((choice) => typeof jsonOf(choice).finish_reason === 'string')
  );
}
