/** A small reader of the Markdown that `docs/` is written in: headings, paragraphs, lists, tables, quotes, code, links, anchors. */

export interface MarkdownPage {
  readonly title: string;
  readonly html: string;
}

/** Where a link of the text leads; null = nowhere here, so its words stand alone. */
export type Resolve = (target: string) => string | null;

const BLANK = /^\s*$/;
const ITEM = /^([-*]|\d+\.)\s+(.*)$/;
const STARTS_BLOCK = /^(?:#{1,6} |```|> |\||<a id=|<!--|(?:[-*]|\d+\.) )/;

/** All text is escaped; what is not understood is shown as it stands. */
export function renderMarkdown(source: string, resolve: Resolve): MarkdownPage {
  const lines = source.replaceAll('\r\n', '\n').split('\n');
  const out: string[] = [];
  let title = '';
  let at = 0;
  const take = (accepts: (line: string) => boolean): string[] => {
    const taken: string[] = [];
    for (let line = lines[at]; line !== undefined && accepts(line); line = lines[++at]) taken.push(line);
    return taken;
  };
  const inline = (text: string): string => renderInline(text, resolve);
  while (at < lines.length) {
    const line = lines[at] ?? '';
    const heading = /^(#{1,6}) (.*)$/.exec(line);
    const anchor = /^<a id="([\w.:-]+)"><\/a>$/.exec(line);
    if (BLANK.test(line)) at++;
    else if (line.startsWith('<!--')) {
      take((next) => !next.includes('-->'));
      at++;
    } else if (line.startsWith('```')) {
      at++;
      out.push(
        `<pre tabindex="0"><code>${escapeHtml(take((next) => !next.startsWith('```')).join('\n'))}</code></pre>`,
      );
      at++;
    } else if (anchor !== null) {
      out.push(`<a id="${anchor[1]}"></a>`);
      at++;
    } else if (heading !== null) {
      const [, marks = '#', text = ''] = heading;
      if (title === '') title = plain(text);
      out.push(`<h${marks.length} id="${slugOf(text)}">${inline(text)}</h${marks.length}>`);
      at++;
    } else if (line.startsWith('|'))
      out.push(
        table(
          take((next) => next.startsWith('|')),
          inline,
        ),
      );
    else if (line.startsWith('> '))
      out.push(
        `<blockquote><p>${inline(
          take((next) => next.startsWith('>'))
            .map((next) => next.slice(2))
            .join(' '),
        )}</p></blockquote>`,
      );
    else if (ITEM.test(line))
      out.push(
        list(
          take((next) => ITEM.test(next) || /^\s+\S/.test(next)),
          inline,
        ),
      );
    else {
      const rest = [line];
      at++;
      rest.push(...take((next) => !BLANK.test(next) && !STARTS_BLOCK.test(next)));
      out.push(`<p>${inline(rest.join(' '))}</p>`);
    }
  }
  return { title, html: out.join('\n') };
}

function list(lines: readonly string[], inline: (text: string) => string): string {
  const items: string[] = [];
  for (const line of lines) {
    const item = ITEM.exec(line);
    if (item !== null) items.push(item[2] ?? '');
    else items[items.length - 1] += ` ${line.trim()}`;
  }
  const tag = /^\d/.test(lines[0] ?? '') ? 'ol' : 'ul';
  return `<${tag}>${items.map((item) => `<li>${inline(item)}</li>`).join('')}</${tag}>`;
}

function table(lines: readonly string[], inline: (text: string) => string): string {
  const cells = (line: string): string[] =>
    line
      .replace(/^\||\|\s*$/g, '')
      .split(/(?<!\\)\|/)
      .map((cell) => inline(cell.trim().replaceAll('\\|', '|')));
  const row = (line: string, tag: 'td' | 'th'): string =>
    `<tr>${cells(line)
      .map((cell) => `<${tag}>${cell}</${tag}>`)
      .join('')}</tr>`;
  const [head = '', , ...body] = lines;
  const rows = body.map((line) => row(line, 'td')).join('\n');
  return `<div class="wide" tabindex="0"><table><thead>${row(head, 'th')}</thead><tbody>${rows}</tbody></table></div>`;
}

/** Code first: nothing inside of it is markup. */
function renderInline(text: string, resolve: Resolve): string {
  return text
    .split(/(`[^`]+`|!?\[(?:`[^`]*`|[^\]])*\]\([^)\s]*\))/)
    .map((part, index) => {
      if (index % 2 === 0) return emphasis(escapeHtml(part));
      if (part.startsWith('`')) return `<code>${escapeHtml(part.slice(1, -1))}</code>`;
      const [, words = '', target = ''] = /^!?\[(.*)\]\(([^)]*)\)$/.exec(part) ?? [];
      const shown = renderInline(words, () => null);
      const href = part.startsWith('!') ? null : resolve(target);
      return href === null ? shown : `<a href="${escapeHtml(href)}">${shown}</a>`;
    })
    .join('');
}

function emphasis(escaped: string): string {
  return escaped
    .replace(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
    .replace(/(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])/g, '<em>$1</em>');
}

function plain(text: string): string {
  return text.replace(/[`*]/g, '');
}

/** As GitHub makes them, so that one link works in both places. */
function slugOf(text: string): string {
  return plain(text)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
}

/** Text for HTML and for attributes in double quotes. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
