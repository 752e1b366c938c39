import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { customTarget, loadCatalogue } from './catalogue.ts';
import { readModelList, UnreadableModelList } from './models.ts';

const catalogue = loadCatalogue(join(import.meta.dirname, '../../../catalogue'));
const read = (id: string, value: unknown) =>
  readModelList(catalogue.entries.get(id)!, Buffer.from(JSON.stringify(value)));

describe('a model list', () => {
  test('gives what the provider says, in its order, each model once', () => {
    const list = {
      data: [
        { id: 'b', created: 5, owned_by: 'o', context_window: 8 },
        { id: 'a', created_at: '2025-02-24T00:00:00Z', display_name: 'A', max_tokens: 9 },
        { id: 'b' },
      ],
    };
    expect(read('groq', list)).toEqual([
      { id: 'b', chat: true, created: 5, ownedBy: 'o', contextTokens: 8 },
      { id: 'a', chat: true, created: 1_740_355_200, displayName: 'A', maxOutputTokens: 9 },
    ]);
  });

  test.each<[string, string, unknown, boolean]>([
    ['by the catalogue', 'openai', { id: 'text-embedding-3-small' }, false],
    ['by the catalogue, anywhere in the id', 'openai', { id: 'gpt-4o-realtime-preview' }, false],
    ['by what it can do', 'mistral', { id: 'x', capabilities: { completion_chat: false } }, false],
    ['by its type', 'together', { id: 'x', type: 'image' }, false],
    ['by what it puts out', 'openrouter', { id: 'x', architecture: { output_modalities: ['image'] } }, false],
    ['else', 'openrouter', { id: 'x', architecture: { output_modalities: ['image', 'text'] } }, true],
    ['a chat model', 'openai', { id: 'gpt-4o-mini' }, true],
  ])('tells what chats: %s (%s)', (_, id, model, chat) => {
    expect(read(id, id === 'together' ? [model] : { data: [model] })[0]?.chat).toBe(chat);
  });

  test('takes the prefix off that ids do not have in requests', () => {
    expect(read('gemini', { data: [{ id: 'models/gemini-2.5-flash' }, { id: 'tuned' }] }).map(({ id }) => id)).toEqual([
      'gemini-2.5-flash',
      'tuned',
    ]);
  });

  test('may be a bare list, also of a custom endpoint', () => {
    expect(read('together', [{ id: 'a/b' }])).toHaveLength(1);
    const { entry } = customTarget(catalogue, null, 'box', 'https://box.example');
    expect(readModelList(entry, Buffer.from('{"object":"list","data":[{"id":"m","max_model_len":9}]}'))).toEqual([
      { id: 'm', chat: true, contextTokens: 9 },
    ]);
  });

  test('leaves out what has no usable id', () => {
    expect(
      read('groq', {
        data: [
          null,
          7,
          {},
          { id: '' },
          { id: 'a b' },
          { id: 'a\0b' },
          { id: '\ud800' },
          { id: 'x'.repeat(300) },
          { id: 'ok' },
        ],
      }),
    ).toEqual([{ id: 'ok', chat: true }]);
  });

  test('has names that a database takes', () => {
    expect(read('groq', { data: [{ id: 'ok', owned_by: 'a\0b', name: 'c\ud800' }] })).toMatchObject([
      { ownedBy: 'a\uFFFDb', displayName: 'c\uFFFD' },
    ]);
  });

  test.each([null, {}, 'x', 5, { data: {} }, { error: 'no' }])('%j is none', (value) => {
    expect(() => read('groq', value)).toThrow(UnreadableModelList);
  });

  test('cut in the middle is none', () => {
    expect(() => readModelList(catalogue.entries.get('groq')!, Buffer.from('{"data":[{"id"'))).toThrow(
      UnreadableModelList,
    );
  });
});
