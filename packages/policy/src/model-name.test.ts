import { describe, expect, test } from 'vitest';
import { parseModelName, resolveBareModel } from './model-name.ts';

const SLUGS = new Map([
  ['acme', 'acme'],
  ['ac', 'acme'],
  ['router', 'router'],
  ['my-box', 'my-box'],
]);
const findSlug = (segment: string) => SLUGS.get(segment.toLowerCase()) ?? null;

describe('reading a model name', () => {
  test.each([
    ['acme/m-1', 'acme', 'm-1'],
    ['AC/m-1', 'acme', 'm-1'],
    ['router/acme/m-1', 'router', 'acme/m-1'],
    ['my-box/llama3:8b', 'my-box', 'llama3:8b'],
    ['acme//m', 'acme', '/m'],
  ])('%s names its provider by the first segment', (name, slug, model) => {
    expect(parseModelName(name, findSlug)).toEqual({ kind: 'named', slug, model });
  });

  test.each(['m-1', 'org/model', '/m-1', 'acme/', '', '/'])('%j names no provider and stays whole', (name) => {
    expect(parseModelName(name, findSlug)).toEqual({ kind: 'bare', model: name });
  });
});

describe('finding a bare model', () => {
  const connected = [
    { slug: 'acme', models: ['m-1', 'both'] },
    { slug: 'router', models: ['org/model', 'both'] },
  ];

  test.each([
    ['m-1', 'acme'],
    ['org/model', 'router'],
  ])('%s is found where exactly one provider has it', (model, slug) => {
    expect(resolveBareModel(model, connected)).toEqual({ kind: 'found', slug, model });
  });

  test.each([
    ['both', 'model.ambiguous', { providers: 'acme, router' }],
    ['nothing', 'model.unknown', { model: 'nothing' }],
    ['nobody/m-1', 'provider.unknown', { provider: 'nobody' }],
    ['', 'model.unknown', { model: '' }],
  ])('%j is refused as %s', (model, code, facts) => {
    expect(resolveBareModel(model, connected)).toMatchObject({
      kind: 'none',
      code,
      facts: { param: 'model', ...facts },
    });
  });
});
