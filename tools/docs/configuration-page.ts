import { findSetting, SETTINGS, type Setting, type SettingReader } from '@ownkey/contract/settings';
import { code, pageHead, table } from './markdown.ts';

const INTRO = [
  'Settings are environment variables. They are checked together before anything starts: every problem is printed at once, and a name that begins with `OWNKEY_` and is not a setting is a problem too, mostly a misspelt one. An empty value counts as absent. `ownkey doctor` checks without starting.',
  '',
  '- A process gets the settings named for it here and no others: its environment is built anew, so nothing else of your shell reaches it.',
  '- A setting marked *secret* may be given as a file instead: `<NAME>_FILE=/path`. Its value is never printed.',
  '- Relative paths count from the working directory.',
  '- The master key is a file, never a variable.',
];

const READER_WORDS: Readonly<Record<SettingReader, string>> = {
  command: 'command',
  server: 'server',
  worker: 'worker',
  sandbox: 'sandbox',
};

const BASE_URL_EXAMPLE = 'OWNKEY_PROVIDER_EXAMPLE_BASE_URL';

/** `docs/configuration.md`. */
export function configurationPage(): string {
  const lines = pageHead('Configuration', '`packages/contract/src/settings.ts`', INTRO);
  const rows = Object.entries(SETTINGS).map(([name, setting]) => rowOf(name, setting));
  const baseUrl = findSetting(BASE_URL_EXAMPLE);
  if (baseUrl !== null) rows.push(rowOf('OWNKEY_PROVIDER_<ID>_BASE_URL', baseUrl));
  lines.push(...table(['Setting', 'What it is', 'Value', 'Default', 'Given to'], rows));
  lines.push(
    '',
    '“Command” is the `ownkey` command itself: the supervisor, `init`, `migrate`, `doctor`, `audit verify` and `kek`. `<ID>` is the id of a provider in capitals, with `_` for `-`.',
  );
  return `${lines.join('\n')}\n`;
}

function rowOf(name: string, setting: Setting): string[] {
  return [
    code(name),
    setting.doc,
    wordsOf(setting),
    setting.default === undefined ? '–' : code(setting.default),
    setting.readers.map((reader) => READER_WORDS[reader]).join(', '),
  ];
}

function wordsOf(setting: Setting): string {
  const words = kindOf(setting);
  return setting.secret ? `${words}; *secret*` : words;
}

function kindOf({ kind, min, max }: Setting): string {
  const range = (unit: string): string => {
    if (min !== undefined && max !== undefined) return `${min} to ${max}${unit}`;
    return `a whole number${unit}${min === undefined ? '' : `, at least ${min}`}`;
  };
  switch (kind) {
    case 'port':
      return '0 to 65535';
    case 'count':
      return range('');
    case 'bytes':
      return range(' bytes');
    case 'milliseconds':
      return range(' ms');
    case 'flag':
      return '`1` or `0`';
    case 'text':
      return ['text', min && `at least ${min} characters`, max && `at most ${max} characters`]
        .filter(Boolean)
        .join(', ');
    case 'host':
      return 'a host name or address';
    case 'path':
      return 'a path';
    case 'web-address':
      return 'an `http` or `https` address';
    case 'database-address':
      return '`postgres://user:password@host:port/name`';
    case 'mail-server':
      return '`smtp://user:password@host:port` or `smtps://…`';
    case 'mail-sender':
      return 'an address, or `Name <address>`';
    case 'kek-source':
      return '`file` or `transit`';
    case 'list':
      return 'a list, separated by commas';
  }
}
