/**
 * `npm run new-provider -- <id> [base URL]`: writes `catalogue/providers/<id>.json` to be filled in, and prints what is left.
 * A provider that speaks one of the three wires needs no code.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const ID = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;

/** The entry of a new provider: valid for the strict loader, with everything that has to be looked up marked by "TODO". */
export function draftEntry(id, baseUrl, today) {
  return {
    name: `TODO: name of ${id} as people write it`,
    aliases: [],
    dialect: 'openai-chat',
    base_url: baseUrl,
    auth: { header: 'authorization', prefix: 'Bearer ' },
    key: { prefixes: [], min_length: 16, max_length: 512, usual_length: 40, hint: 'TODO: how its keys begin' },
    key_page: `${new URL(baseUrl).origin}/TODO`,
    billing_page: `${new URL(baseUrl).origin}/TODO`,
    key_help: ['TODO: where a key is made', 'TODO: which permissions it needs'],
    probe: { path: '/models', proves_key: true, models: ['TODO: its cheapest chat model'] },
    models: { path: '/models', list_field: 'data', id_field: 'id' },
    curated_models: ['TODO: its most useful models'],
    not_chat_models: [],
    abilities: { stream: true, tools: true, embeddings: false, responses: false, images: false },
    quirks: { token_limit_field: 'max_tokens', stream_usage: 'yes', no_developer_role: true },
    docs: `${new URL(baseUrl).origin}/TODO`,
    read_on: today,
  };
}

/** Writes the entry below `root`; returns its path. Throws where the id is none, is taken, or the address is no https one. */
export function writeProvider(root, id, baseUrl, today) {
  if (!ID.test(id)) throw new Error(`"${id}" is no id: lower-case letters, digits and hyphens, at most 32`);
  if (!URL.canParse(baseUrl) || new URL(baseUrl).protocol !== 'https:')
    throw new Error(`"${baseUrl}" is no https address`);
  const path = join(root, 'catalogue', 'providers', `${id}.json`);
  if (existsSync(path)) throw new Error(`${id} exists already: ${path}`);
  writeFileSync(path, `${JSON.stringify(draftEntry(id, baseUrl.replace(/\/+$/, ''), today), null, 2)}\n`);
  return path;
}

const LEFT = `What is left:
  1. Replace every TODO in the entry from the provider's own pages; set read_on to the day you read them.
  2. Does its model list prove a key? If it answers any key, set probe.proves_key to false.
  3. Add a profile for the sandbox: packages/sandbox/profiles/<id>.json (shapes of answers, errors, usage).
  4. Quirks are flags; what they cannot say goes into packages/providers/src/quirks/<id>.ts (under 100 lines, pure).
  5. npm run check, then npm test: the fixture loop runs over every entry.`;

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [id = '', baseUrl = `https://api.${id || 'example'}.com/v1`] = process.argv.slice(2);
  try {
    const path = writeProvider(join(import.meta.dirname, '..'), id, baseUrl, new Date().toISOString().slice(0, 10));
    console.log(`Wrote ${path}\n\n${LEFT}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
