import { fileURLToPath } from 'node:url';
import type { CatalogueEntry, EndpointPreset } from '@ownkey/contract/provider';
import { type Catalogue, loadCatalogue } from '@ownkey/providers/catalogue';
import { code, pageHead, table } from './markdown.ts';
import { quirkSentences } from './quirk-words.ts';

const CATALOGUE = fileURLToPath(new URL('../../catalogue', import.meta.url));

const INTRO = [
  'The providers this version knows, and what it does differently for each. A model is named `provider/model`, where `provider` is an id or an alias, in any case; a company’s own endpoint is named by its slug.',
  '',
  '“Read on” is the day on which the provider’s own reference was last read for this entry. Key forms are hints for people: a form never proves a key right or wrong, the provider does.',
];

/** `docs/providers.md`. */
export function providersPage(catalogue: Catalogue = loadCatalogue(CATALOGUE)): string {
  const entries = [...catalogue.entries.values()];
  const lines = pageHead('Providers', '`catalogue/`', INTRO);
  lines.push(
    ...table(
      ['Provider', 'Id', 'Aliases', 'Speaks', 'Key looks like', 'Read on'],
      entries.map((entry) => [
        `[${entry.name}](#${entry.id})`,
        code(entry.id),
        entry.aliases.map(code).join(', '),
        code(entry.dialect),
        entry.key.hint,
        entry.read_on,
      ]),
    ),
  );
  for (const entry of entries) lines.push(...providerSection(entry));
  lines.push(
    '',
    '## Custom endpoints',
    '',
    'Any OpenAI-compatible address can be connected, several for each company, as provider `custom` with a `slug`, a `base_url` and a preset. The preset says how such servers behave. The key is bound to the address’s origin: another address means pasting it again.',
  );
  for (const preset of catalogue.presets.values()) lines.push(...presetSection(preset));
  return `${lines.join('\n')}\n`;
}

function providerSection(entry: CatalogueEntry): string[] {
  const { key, auth, probe } = entry;
  const prefixes = [...key.prefixes, ...(key.shared_prefixes ?? [])].map(code).join(', ');
  const facts = [
    `- Address: ${code(entry.base_url)}; the key goes in ${code(`${auth.header}: ${auth.prefix}…`)}`,
    `- Key: ${key.hint}; ${prefixes === '' ? 'no fixed beginning' : `begins with ${prefixes}`}; ${key.min_length} to ${key.max_length} characters`,
    `- [Where to get a key](${entry.key_page}) · [billing](${entry.billing_page}) · [reference](${entry.docs}) (read on ${entry.read_on})`,
    `- Test of a key: ${code(`GET ${probe.path}`)}${probe.proves_key ? '' : ', which answers for any key, so that only a generation proves one'}, then one minimal generation`,
    `- Abilities: ${abilities(entry.abilities)}`,
  ];
  return ['', `<a id="${entry.id}"></a>`, '', `## ${entry.name}`, '', ...facts, ...differences(entry)];
}

function presetSection(preset: EndpointPreset): string[] {
  const example = preset.base_url === '' ? 'none' : code(preset.base_url);
  const docs = preset.docs === null ? '' : ` · [reference](${preset.docs})`;
  const facts = [
    `- Preset ${code(preset.id)}, speaks ${code(preset.dialect)}${docs} (read on ${preset.read_on})`,
    `- Usual address: ${example}; ${preset.keyless ? 'usually without a key' : 'with a key'}`,
    `- Abilities: ${abilities(preset.abilities)}`,
  ];
  return ['', `### ${preset.name}`, '', ...facts, ...differences(preset)];
}

function differences({ quirks }: Pick<CatalogueEntry, 'quirks'>): string[] {
  const sentences = quirkSentences(quirks);
  return sentences.length === 0 ? [] : ['', 'What is different:', '', ...sentences.map((sentence) => `- ${sentence}`)];
}

function abilities(of: CatalogueEntry['abilities']): string {
  const words = {
    stream: 'streaming',
    tools: 'tools',
    images: 'images',
    embeddings: 'embeddings',
    responses: 'Responses API',
  };
  const has = Object.entries(of)
    .filter(([, yes]) => yes)
    .map(([name]) => (Object.hasOwn(words, name) ? Reflect.get(words, name) : name));
  return has.join(', ');
}
