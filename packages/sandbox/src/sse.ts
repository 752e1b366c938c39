import type { Json } from './json.ts';

/** One server-sent event as it goes over the wire, with its empty line. */
export function dataFrame(data: Json): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

export function eventFrame(event: string, data: Json): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

export const DONE_FRAME = 'data: [DONE]\n\n';
