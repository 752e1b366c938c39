import type { Model } from '@ownkey/contract/api/providers';
import { describe, expect, it } from 'vitest';
import { findModels } from './find-models.ts';
import { isNarrowed, listOnly, modelsSearchValues, parseModelsSearch } from './models-search.ts';

const model = (provider: string, name: string, more: Partial<Model> = {}): Model => ({
  id: `${provider}/${name}`,
  name,
  provider,
  key_source: 'own',
  chat: true,
  listed: 'live',
  as_of: null,
  input_usd_per_mtok: null,
  output_usd_per_mtok: null,
  context_tokens: null,
  max_output_tokens: null,
  ...more,
});

const LIST = [
  model('lab', 'zeta', { context_tokens: 8_000 }),
  model('acme', 'beta', { input_usd_per_mtok: '10', output_usd_per_mtok: '9', context_tokens: 128_000 }),
  model('acme', 'alpha', { input_usd_per_mtok: '2', output_usd_per_mtok: '8', key_source: 'platform' }),
  model('lab', 'embed', { chat: false }),
];
const nameOf = (id: string) => (id === 'lab' ? 'Our Laboratory' : 'Acme');
const find = (search: Parameters<typeof findModels>[1]) => findModels(LIST, search, nameOf).map(({ name }) => name);

describe('models', () => {
  it('are found by every word of name and provider, whatever the case', () => {
    expect(find({ q: 'ACME a' })).toEqual(['alpha', 'beta']);
    expect(find({ q: 'laboratory zet' })).toEqual(['zeta']);
    expect(find({ q: 'acme zeta' })).toEqual([]);
  });

  it('are narrowed to a payer, a provider and chats', () => {
    expect(find({ payer: 'platform' })).toEqual(['alpha']);
    expect(find({ provider: 'lab', chat: 'yes' })).toEqual(['zeta']);
  });

  it('are sorted as numbers, those without a figure last', () => {
    expect(find({})).toEqual(['alpha', 'beta', 'embed', 'zeta']);
    expect(find({ sort: 'price' })).toEqual(['alpha', 'beta', 'embed', 'zeta']);
    expect(find({ sort: 'context' })).toEqual(['beta', 'zeta', 'alpha', 'embed']);
    expect(find({ sort: 'provider' })).toEqual(['alpha', 'beta', 'embed', 'zeta']);
  });
});

describe('the address', () => {
  it('drops junk and defaults, and keeps the rest', () => {
    expect(parseModelsSearch({ sort: 'name', payer: 'somebody', q: 7, of: '', chat: 'yes', junk: 'x' })).toEqual({
      chat: 'yes',
    });
    expect(modelsSearchValues({ sort: 'price', q: 'x'.repeat(300) })).toEqual({ sort: 'price', q: 'x'.repeat(200) });
  });

  it('of the list alone has no dialog', () => {
    expect(listOnly({ q: 'a', of: 'mail.draft', add: 'yes' })).toEqual({ q: 'a' });
    expect([isNarrowed({ sort: 'price' }), isNarrowed({ q: 'a' })]).toEqual([false, true]);
  });
});
