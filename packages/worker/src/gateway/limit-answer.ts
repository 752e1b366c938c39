import { type JsonField, scanBodyFields } from '@ownkey/contract/json-scan';
import type { Wire } from '@ownkey/contract/provider';
import type { CallBody } from '@ownkey/policy/read-body';

/** What the wire calls the limit of an answer, the name to add first. */
const LIMIT_FIELDS: Readonly<Record<Wire, readonly string[]>> = {
  'openai-chat': ['max_completion_tokens', 'max_tokens'],
  'openai-responses': ['max_output_tokens'],
  'anthropic-messages': ['max_tokens'],
};

/**
 * The caller's body with a limit of the answer that the caller did not state: one field more, or a `null` in its place, every other
 * byte as it was.
 */
export function withAnswerLimit(
  wire: Wire,
  body: Buffer,
  asked: CallBody,
  maxTokens: number,
): { body: Buffer; asked: CallBody } {
  const names = LIMIT_FIELDS[wire];
  const added = names[0] ?? 'max_tokens';
  if (asked.parsed !== undefined) {
    const kept = Object.entries(asked.parsed).filter(([name]) => !names.includes(name));
    const parsed = { ...Object.fromEntries(kept), [added]: maxTokens };
    return { body: Buffer.from(JSON.stringify(parsed)), asked: { ...asked, parsed } };
  }
  const { fields } = scanBodyFields(body);
  const nulls = fields.filter(({ name }) => names.includes(name));
  const [first, ...others] = nulls;
  const edits: Edit[] = [];
  if (first === undefined) {
    const start = body.indexOf('{') + 1;
    edits.push({ start, end: start, text: `${JSON.stringify(added)}:${maxTokens},` });
  } else {
    edits.push({ ...first, text: String(maxTokens) });
    // Two names for the same limit: both say the same.
    for (const other of others) edits.push({ ...other, text: String(maxTokens) });
  }
  return apply(body, asked, edits);
}

type Edit = Pick<JsonField, 'start' | 'end'> & { text: string };

function apply(body: Buffer, asked: CallBody, edits: readonly Edit[]): { body: Buffer; asked: CallBody } {
  const pieces: Buffer[] = [];
  let { modelRange } = asked;
  let from = 0;
  for (const { start, end, text } of edits) {
    pieces.push(body.subarray(from, start), Buffer.from(text));
    from = end;
    const grown = text.length - (end - start);
    if (asked.modelRange !== null && modelRange !== null && start < asked.modelRange.start) {
      modelRange = { start: modelRange.start + grown, end: modelRange.end + grown };
    }
  }
  pieces.push(body.subarray(from));
  return { body: Buffer.concat(pieces), asked: { ...asked, modelRange } };
}
