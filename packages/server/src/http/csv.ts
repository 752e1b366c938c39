type Cell = string | number | null;

/**
 * CSV by RFC 4180, CRLF, with a header line. What a spreadsheet would run as a formula (a cell that begins with `=`, `+`, `-`, `@` or a
 * control character) is text: an apostrophe stands before it. https://owasp.org/www-community/attacks/CSV_Injection
 */
export function writeCsv<Row extends Readonly<Record<string, Cell>>>(
  columns: readonly (keyof Row & string)[],
  rows: readonly Row[],
): string {
  const lines = [columns.join(','), ...rows.map((row) => columns.map((column) => cell(row[column] ?? null)).join(','))];
  return `${lines.join('\r\n')}\r\n`;
}

function cell(value: Cell): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Headers of an answer that is a file to keep. `name`: letters, digits, dots and dashes. */
export function fileHeaders(name: string, type: string): Record<string, string> {
  return { 'content-type': type, 'content-disposition': `attachment; filename="${name}"` };
}
