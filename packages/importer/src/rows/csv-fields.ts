/**
 * The fields of one CSV record (RFC 4180), or null when its quotes are wrong: one inside a field without quotes, or text behind the
 * closing one. Nothing is trimmed.
 */
export function parseCsvFields(record: string): string[] | null {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    const field = record[at] === '"' ? quotedField(record, at) : plainField(record, at);
    if (field === null) return null;
    fields.push(field.text);
    if (field.end === record.length) return fields;
    if (record[field.end] !== ',') return null;
    at = field.end + 1;
  }
}

interface Field {
  readonly text: string;
  readonly end: number;
}

function plainField(record: string, start: number): Field | null {
  const comma = record.indexOf(',', start);
  const end = comma < 0 ? record.length : comma;
  const text = record.slice(start, end);
  return text.includes('"') ? null : { text, end };
}

function quotedField(record: string, start: number): Field | null {
  let text = '';
  for (let at = start + 1; ; ) {
    const quote = record.indexOf('"', at);
    if (quote < 0) return null;
    text += record.slice(at, quote);
    if (record[quote + 1] !== '"') return { text, end: quote + 1 };
    text += '"';
    at = quote + 2;
  }
}
