import { ERRORS, type ErrorEntry } from '@ownkey/contract/errors';
import { code, pageHead, table } from './markdown.ts';

const INTRO = [
  'Every failure of Ownkey has one of these codes. A failure of a provider is passed on with its own status, type, message and code instead; the header `x-ownkey-error-code` then says `provider.error`, and `x-ownkey-provider` names the provider.',
  '',
  '- On `/v1` the body has the shape of the wire you speak: `{"error": {"message", "type", "code", "param"}}` for OpenAI clients, `{"type": "error", "error": {"type", "message", "code"}}` for Anthropic clients.',
  '- On `/api` it is a problem (RFC 9457, `application/problem+json`): `type` leads to the section here, `title` says what happened, `detail` what to do, `code` is the code, and the facts of the sentence stand beside it.',
  '- The header `x-ownkey-error-code` has the code, on `/v1` and `/api` alike. What a repetition cannot change carries `x-should-retry: false`, which official clients obey; what it may change carries `retry-after` where the time is known.',
  '- “Retry” below says whether the same request may succeed later without anybody changing anything.',
  '',
  'Words in `{braces}` are filled in. “Not yours” answers exactly like “not there”: `not_found`.',
];

/** `docs/errors.md`. Problem bodies link to `/docs/errors#<code>`: the anchors are part of the contract. */
export function errorsPage(): string {
  const entries: [string, ErrorEntry][] = Object.entries(ERRORS);
  const lines = pageHead('Errors', '`packages/contract/src/errors.ts`', INTRO);
  lines.push(
    ...table(
      ['Code', 'Status', 'Retry'],
      entries.map(([name, entry]) => [`[${code(name)}](#${name})`, String(entry.status), retry(entry)]),
    ),
  );
  for (const [name, entry] of entries) {
    lines.push('', `<a id="${name}"></a>`, '', `## ${code(name)}`, '');
    lines.push(
      `**${entry.status}** · ${entry.retryable ? 'may succeed when repeated' : 'repeating does not help'}`,
      '',
    );
    lines.push(`> ${sentence(entry.message)}`, '', `What to do: ${sentence(entry.action)}`);
  }
  return `${lines.join('\n')}\n`;
}

function retry({ retryable }: ErrorEntry): string {
  return retryable ? 'yes' : 'no';
}

/** A sentence that is nothing but facts is written by the code that raises the error. */
function sentence(text: string): string {
  return text === '{problem}' ? 'The sentence names what is wrong.' : text.replace(/\{(\w+)\|[^}]*\}/g, '{$1}');
}
