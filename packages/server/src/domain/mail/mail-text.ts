/**
 * A mail as its templates say it, and its two forms. What comes from people (names of companies, people, operations) is made plain
 * by `plain` and escaped here: it can break neither a header, nor the text's direction, nor the page.
 */

export interface Link {
  readonly label: string;
  readonly url: string;
}

export interface MailContent {
  readonly subject: string;
  readonly paragraphs: readonly (readonly (string | Link)[])[];
}

export interface WrittenMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

const SUBJECT_CHARACTERS_MAX = 200;
/** Characters that change the direction of what follows. */
const DIRECTION = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
const ISOLATE = ['\u2068', '\u2069'] as const;

/** One line without control characters, at most `max` long, which keeps its direction to itself. */
export function plain(text: string, max = 80): string {
  const line = text
    .replace(DIRECTION, '')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim();
  const characters = [...line];
  const cut =
    characters.length <= max
      ? line
      : `${characters
          .slice(0, max - 1)
          .join('')
          .replace(/[\p{M}\u200d]+$/u, '')}…`;
  return RIGHT_TO_LEFT.test(cut) ? `${ISOLATE[0]}${cut}${ISOLATE[1]}` : cut;
}

/** Text and HTML say the same. No images, no styles from elsewhere, no links but those of the template. */
export function writeMail(content: MailContent): WrittenMail {
  const subject = [...content.subject.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')]
    .slice(0, SUBJECT_CHARACTERS_MAX)
    .join('');
  const text = content.paragraphs.map((parts) => parts.map(textPart).join('')).join('\n\n');
  const body = content.paragraphs.map((parts) => `<p dir="auto">${parts.map(htmlPart).join('')}</p>`).join('\n');
  const style = 'font: 16px/1.5 system-ui, sans-serif; max-width: 36em; margin: 0 auto; padding: 16px';
  const html = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escapeHtml(subject)}</title></head>
<body style="${style}">
${body}
</body>
</html>
`;
  return { subject, text: `${text}\n`, html };
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

function textPart(part: string | Link): string {
  return typeof part === 'string' ? part : part.url;
}

function htmlPart(part: string | Link): string {
  if (typeof part === 'string') return escapeHtml(part);
  return `<a href="${escapeHtml(part.url)}">${escapeHtml(part.label)}</a>`;
}
