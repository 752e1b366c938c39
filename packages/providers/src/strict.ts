/**
 * A small strict checker for data files: every problem is reported with its field, unknown fields are problems. The worker may
 * depend on no schema library, and needs no more than this.
 */
export type Check = (value: unknown, where: string, problems: string[]) => void;

const fail =
  (test: (value: unknown) => boolean, wanted: string): Check =>
  (value, where, problems) => {
    if (!test(value)) problems.push(`${where || 'the file'} must be ${wanted}`);
  };

const isText = (value: unknown): value is string => typeof value === 'string';
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The checks data files are made of. */
export const is = {
  text: fail(isText, 'a text'),
  filled: fail((value) => isText(value) && value.trim() !== '', 'a text that is not empty'),
  flag: fail((value) => typeof value === 'boolean', 'true or false'),
  count: fail((value) => Number.isSafeInteger(value) && Number(value) >= 0, 'a whole number, 0 or more'),
  path: fail((value) => isText(value) && /^\/[\w\-./]*$/.test(value), 'a path that starts with "/"'),
  alias: fail((value) => isText(value) && /^[a-z0-9-]{1,32}$/.test(value), 'lower-case letters, digits or hyphens'),
  headerName: fail((value) => isText(value) && /^[a-z][a-z0-9-]*$/.test(value), 'a lower-case header name'),
  day: fail((value) => isText(value) && !Number.isNaN(Date.parse(`${value}T00:00:00Z`)), 'a date such as 2026-01-31'),
  minute: fail(
    (value) => isText(value) && /^(?:[01]\d|2[0-3]):[0-5]\d$/.test(value),
    'a time of the day such as 06:30',
  ),
  usd: fail(isUsd, 'a decimal of USD in quotes, from "0" to "1000000" with at most 9 places'),
  webAddress: fail(isWebAddress, 'an https address without user name, query or fragment'),
  pattern: fail(isPattern, 'a regular expression'),
  textMap: fail((value) => isRecord(value) && Object.values(value).every(isText), 'an object of texts'),
  oneOf: (...values: string[]): Check =>
    fail((value) => isText(value) && values.includes(value), `one of ${values.join(', ')}`),
  orNull:
    (check: Check): Check =>
    (value, where, problems) => {
      if (value !== null) check(value, where, problems);
    },
  list:
    (check: Check): Check =>
    (value, where, problems) => {
      if (!Array.isArray(value)) problems.push(`${where} must be a list`);
      else value.forEach((item, index) => void check(item, `${where}[${index}]`, problems));
    },
  object:
    (fields: Record<string, Check>): Check =>
    (value, where, problems) =>
      void checkFields(value, fields, where, problems),
};

/**
 * Checks an object against its fields; a name ending in "?" may be absent. Returns the value as T, to be used only when no
 * problem was added.
 */
export function checkFields<T>(value: unknown, fields: Record<string, Check>, where: string, problems: string[]): T {
  if (!isRecord(value)) {
    problems.push(`${where || 'the file'} must be an object`);
    // The caller does not use the value when there are problems.
    return {} as T;
  }
  const prefix = where ? `${where}.` : '';
  const known = new Set<string>();
  for (const [declared, check] of Object.entries(fields)) {
    const optional = declared.endsWith('?');
    const name = optional ? declared.slice(0, -1) : declared;
    known.add(name);
    if (Object.hasOwn(value, name)) check(value[name], prefix + name, problems);
    else if (!optional) problems.push(`${prefix}${name} is missing`);
  }
  for (const name of Object.keys(value)) {
    if (!known.has(name)) problems.push(`${prefix}${name} is not a known field`);
  }
  return value as T;
}

function isWebAddress(value: unknown): boolean {
  if (!isText(value) || !URL.canParse(value)) return false;
  const url = new URL(value);
  return url.protocol === 'https:' && !url.username && !url.password && !url.search && !url.hash;
}

function isUsd(value: unknown): boolean {
  return isText(value) && /^(?:0|[1-9]\d{0,6})(?:\.\d{1,9})?$/.test(value) && Number(value) <= 1_000_000;
}

function isPattern(value: unknown): boolean {
  if (!isText(value)) return false;
  try {
    return new RegExp(value) instanceof RegExp;
  } catch {
    return false;
  }
}
