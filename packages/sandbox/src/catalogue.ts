import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CatalogueEntry, KeyShape } from '@ownkey/contract/provider';
import { DataFileError, numberOf, objectOf, parseJson, stringsOf, textOf } from './json.ts';

/** The part of a catalogue entry that the sandbox needs; a whole `CatalogueEntry` fits. */
export type SandboxEntry = Pick<CatalogueEntry, 'id' | 'name' | 'base_url' | 'auth' | 'dialect'> & {
  key: Pick<KeyShape, 'prefixes' | 'shared_prefixes' | 'usual_length'>;
};

/**
 * Reads the catalogue folder itself: the sandbox must not share the product's loader, whose faults it would hide. Only what the
 * sandbox needs is read. Throws DataFileError.
 */
export function readCatalogue(directory: string): SandboxEntry[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => readEntry(file, readFileSync(join(directory, file), 'utf8')));
}

function readEntry(file: string, content: string): SandboxEntry {
  const data = objectOf(parseJson(content));
  const auth = objectOf(data.auth);
  const key = objectOf(data.key);
  const dialect = data.dialect;
  if (dialect !== 'openai-chat' && dialect !== 'openai-responses' && dialect !== 'anthropic-messages')
    throw new DataFileError(file, 'has no known dialect');
  const base = textOf(data.base_url);
  if (!URL.canParse(base)) throw new DataFileError(file, '"base_url" is not a URL');
  return {
    id: file.slice(0, -'.json'.length),
    name: textOf(data.name),
    base_url: base,
    dialect,
    auth: { header: textOf(auth.header), prefix: textOf(auth.prefix) },
    key: {
      prefixes: stringsOf(key.prefixes),
      shared_prefixes: stringsOf(key.shared_prefixes),
      usual_length: numberOf(key.usual_length) ?? 0,
    },
  };
}

/** Path part of a provider's real base URL, without a slash at the end: "/openai/v1", or "" for none. */
export function basePathOf(baseUrl: string): string {
  return new URL(baseUrl).pathname.replace(/\/+$/, '');
}

/**
 * Base URL under which the sandbox serves a catalogue provider: the value of OWNKEY_PROVIDER_<ID>_BASE_URL.
 * `sandboxBaseUrl('http://127.0.0.1:8422', groq)` is `http://127.0.0.1:8422/groq/openai/v1`.
 */
export function sandboxBaseUrl(sandboxUrl: string, entry: Pick<CatalogueEntry, 'id' | 'base_url'>): string {
  return `${sandboxUrl.replace(/\/+$/, '')}/${entry.id}${basePathOf(entry.base_url)}`;
}
