/** Small parts of Markdown that the generated pages are made of. */

/** First lines of every generated page. */
export function pageHead(title: string, source: string, intro: readonly string[], command = 'npm run docs'): string[] {
  return [`# ${title}`, '', `<!-- Made from ${source} by \`${command}\`. Do not edit. -->`, '', ...intro, ''];
}

/** A table; cells are escaped here, so give them unescaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `| ${head.map(() => '---').join(' | ')} |`, ...rows.map(line)];
}

/** Text in code style; one that holds a backtick itself gets longer fences. */
export function code(text: string): string {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``;
}

/** A pipe ends a cell, in code style too. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
