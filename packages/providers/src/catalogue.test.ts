import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  CatalogueError,
  customTarget,
  keyShapes,
  loadCatalogue,
  matchesModel,
  maxOutputTokens,
  resolveProvider,
  targetFor,
} from './catalogue.ts';

const SHIPPED = join(import.meta.dirname, '../../../catalogue');
const catalogue = loadCatalogue(SHIPPED);

describe('the shipped catalogue', () => {
  test('has every promised provider and preset', () => {
    expect([...catalogue.entries.keys()]).toEqual([
      'anthropic',
      'deepseek',
      'gemini',
      'groq',
      'mistral',
      'nvidia',
      'openai',
      'openrouter',
      'perplexity',
      'together',
      'xai',
    ]);
    expect([...catalogue.presets.keys()]).toEqual(['lm-studio', 'ollama', 'openai-compatible', 'vllm']);
  });

  test.each([...catalogue.entries.values()])('$id can be probed, shown and used without a live list', (entry) => {
    expect(entry.probe.models.length).toBeGreaterThan(0);
    expect(entry.curated_models.length).toBeGreaterThan(0);
    expect(entry.key.min_length).toBeLessThanOrEqual(entry.key.usual_length);
    expect(entry.key.usual_length).toBeLessThanOrEqual(entry.key.max_length);
    expect(entry.base_url).not.toMatch(/\/$/);
    expect(Date.parse(entry.read_on)).toBeLessThanOrEqual(Date.now());
    for (const model of entry.curated_models) {
      expect(entry.not_chat_models.filter((pattern) => matchesModel(pattern, model))).toEqual([]);
    }
  });

  test.each([...catalogue.entries.values()])('$id sends its key in a header', (entry) => {
    expect(['authorization', 'x-api-key']).toContain(entry.auth.header);
  });

  test.each([
    ['CLAUDE', 'anthropic'],
    ['OPENAI', 'openai'],
    ['GEMINI', 'gemini'],
    ['Grok', 'xai'],
    ['mistral', 'mistral'],
  ])('%s names %s', (name, id) => {
    expect(resolveProvider(catalogue, name)?.id).toBe(id);
  });

  test.each(['', 'nobody', 'custom', '__proto__', 'open ai'])('%j names nobody', (name) => {
    expect(resolveProvider(catalogue, name)).toBeUndefined();
  });

  test('gives the form check every shape', () => {
    expect(keyShapes(catalogue).find(({ id }) => id === 'groq')).toMatchObject({ key: { prefixes: ['gsk_'] } });
    expect(keyShapes(catalogue)).toHaveLength(catalogue.entries.size);
  });

  test.each([
    ['claude-3-opus-20240229', 4096],
    ['claude-3-5-haiku-20241022', 8192],
    ['claude-3-7-sonnet-20250219', 64000],
    ['claude-opus-4-20250514', 32000],
    ['claude-opus-4-1-20250805', 32000],
    ['claude-opus-4-5', 64000],
    ['claude-sonnet-4-5', 64000],
    ['claude-haiku-4-5-20251001', 64000],
    ['claude-sonnet-4-6', 128000],
    ['claude-opus-4-8', 128000],
    ['claude-opus-5', 128000],
    ['claude-2.1', 4096],
  ])('knows how much %s may answer', (model, tokens) => {
    expect(maxOutputTokens(catalogue.entries.get('anthropic')!, model)).toBe(tokens);
  });

  test('knows no limit where the entry names none', () => {
    expect(maxOutputTokens(catalogue.entries.get('groq')!, 'anything')).toBeNull();
  });
});

describe('a destination', () => {
  const openai = catalogue.entries.get('openai')!;
  test('is the entry at its own address', () => {
    expect(targetFor(openai)).toMatchObject({
      provider: 'openai',
      slug: 'openai',
      baseUrl: openai.base_url,
      custom: false,
    });
  });
  test("is the entry at the operator's address, without its last slash", () => {
    expect(targetFor(openai, 'http://127.0.0.1:9/openai/v1/').baseUrl).toBe('http://127.0.0.1:9/openai/v1');
  });
  test('is a custom endpoint with the behaviour of its preset', () => {
    const target = customTarget(catalogue, 'ollama', 'my-box', 'https://box.example/v1/');
    expect(target).toMatchObject({
      provider: 'custom',
      slug: 'my-box',
      baseUrl: 'https://box.example/v1',
      custom: true,
    });
    expect(target.entry.quirks.reasoning_field).toBe('reasoning');
    expect(target.entry.probe.proves_key).toBe(false);
  });
  test.each([null, 'of-a-newer-version'])('is a general custom endpoint for the preset %j', (preset) => {
    expect(customTarget(catalogue, preset, 'box', 'https://box.example').entry.quirks).toEqual(
      catalogue.presets.get('openai-compatible')!.quirks,
    );
  });
});

describe('a catalogue with mistakes', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'catalogue-'));
    cpSync(SHIPPED, folder, { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const change = (file: string, edit: (data: Record<string, unknown>) => void) => {
    const path = join(folder, file);
    const data = JSON.parse(readFileSync(path, 'utf8'));
    edit(data);
    writeFileSync(path, JSON.stringify(data));
  };
  const problems = (): readonly string[] => {
    try {
      loadCatalogue(folder);
    } catch (error) {
      if (error instanceof CatalogueError) return error.problems;
      throw error;
    }
    return [];
  };

  test.each<[string, (data: Record<string, unknown>) => void, string]>([
    ['an unknown field', (data) => (data.colour = 'red'), 'colour is not a known field'],
    ['an unknown quirk', (data) => (data.quirks = { speed: 1 }), 'quirks.speed is not a known field'],
    ['the id inside', (data) => (data.id = 'groq'), 'id is not a known field'],
    ['a missing field', (data) => delete data.docs, 'docs is missing'],
    [
      'a pattern that does not compile',
      (data) => (data.not_chat_models = ['(']),
      'not_chat_models[0] must be a regular expression',
    ],
    ['an unknown dialect', (data) => (data.dialect = 'morse'), 'dialect must be one of'],
    ['a plain http address', (data) => (data.base_url = 'http://api.groq.com'), 'base_url must be an https address'],
    [
      'a key in the address',
      (data) => (data.base_url = 'https://u:p@api.groq.com'),
      'base_url must be an https address',
    ],
    ['a number as text', (data) => (data.key = { ...(data.key as object), min_length: '4' }), 'key.min_length must be'],
    ["somebody else's alias", (data) => (data.aliases = ['openai']), 'alias "openai" is taken by openai'],
    ['an alias in capitals', (data) => (data.aliases = ['GROQ2']), 'aliases[0] must be lower-case'],
  ])('is refused for %s', (_, edit, problem) => {
    change('providers/groq.json', edit);
    expect(problems()).toEqual([expect.stringContaining(problem)]);
    expect(problems()[0]).toContain('providers/groq.json');
  });

  test('is refused with the problems of all files at once', () => {
    change('providers/groq.json', (data) => (data.colour = 'red'));
    change('endpoint-presets/vllm.json', (data) => (data.keyless = 'yes'));
    writeFileSync(join(folder, 'providers/broken.json'), '{');
    expect(problems()).toHaveLength(3);
  });

  test.each(['Upper', 'a b', '-a'])('is refused for the file name %j', (name) => {
    cpSync(join(folder, 'providers/groq.json'), join(folder, `providers/${name}.json`));
    change(`providers/${name}.json`, (data) => (data.aliases = []));
    expect(problems()).toEqual([expect.stringContaining("the file's name is no id")]);
  });

  test('is refused when there is none', () => {
    expect(() => loadCatalogue(join(folder, 'nowhere'))).toThrow(CatalogueError);
  });

  test('grows by a file alone', () => {
    cpSync(join(folder, 'providers/groq.json'), join(folder, 'providers/newcomer.json'));
    change('providers/newcomer.json', (data) => (data.aliases = []));
    expect(resolveProvider(loadCatalogue(folder), 'newcomer')?.name).toBe('Groq');
  });
});
