/**
 * The simulated providers beside recorded traffic of the real ones: same fields of the same types, same events in the same order.
 * OWNKEY_RECORDINGS names a folder of recordings; without it only the comparison itself is tested.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useSandbox } from '../kit/sandbox.ts';
import { differences, eventShapesOf, shapeOf } from '../kit/wire-shape.ts';
import { CASES, type ShapeCase } from './sandbox-shape-cases.ts';

const recordings = process.env.OWNKEY_RECORDINGS;

describe('the comparison of shapes', () => {
  it('finds a missing field, an added field and another type', () => {
    const recorded = shapeOf({ id: 'a', usage: { total: 1 }, list: [{ at: 1 }] });
    expect(differences(shapeOf({ id: 1, list: [{ at: 1, by: 2 }] }), recorded)).toEqual([
      'id is "number", recorded as "string"',
      'list[].by is not in the recording',
      'usage is missing',
    ]);
  });

  it('tells a stream with another order of events from the same order', () => {
    const one = 'data: {"a":1}\n\ndata: {"a":2}\n\ndata: {"b":1}\n\ndata: [DONE]\n\n';
    expect(eventShapesOf(one).map(({ event, data }) => [event, data])).toEqual([
      ['', { a: 'number' }],
      ['', { b: 'number' }],
      ['done', 'null'],
    ]);
  });
});

if (recordings) compareWith(recordings);

function compareWith(folder: string): void {
  describe('the sandbox beside the recordings', () => {
    const sandbox = useSandbox();

    it.each(CASES)('$recording', async (item: ShapeCase) => {
      const file = join(folder, `${item.recording}.json`);
      expect(existsSync(file), 'the recording exists').toBe(true);
      const recorded = JSON.parse(readFileSync(file, 'utf8')).response;
      const [provider = ''] = item.recording.split('/');
      const { keys, custom } = { keys: sandbox().keys.providers, custom: sandbox().keys.custom };
      const known = keys[item.provider ?? provider] ?? custom[item.provider ?? provider];
      const outcome = item.key ?? 'valid';
      const response = await fetch(`${known?.base_url}${item.path}`, {
        method: item.body ? 'POST' : 'GET',
        headers: {
          'content-type': 'application/json',
          'anthropic-version': '2023-06-01',
          'x-api-key': known?.keys[outcome] ?? '',
          authorization: `Bearer ${known?.keys[outcome]}`,
        },
        ...(item.body ? { body: JSON.stringify({ model: known?.model, ...item.body }) } : {}),
      });
      const text = await response.text();
      expect(response.status).toBe(recorded.status);
      const type = recorded.headers['content-type'];
      expect(response.headers.get('content-type')).toBe(item.type ?? type);
      if (recorded.sse !== undefined) {
        const made = eventShapesOf(text);
        const real = eventShapesOf(recorded.sse);
        expect(made.map((shape) => shape.event)).toEqual(real.map((shape) => shape.event));
        expect(made.flatMap((shape, at) => differences(shape.data, real[at]?.data ?? 'null', item.unlike))).toEqual([]);
      } else if (typeof recorded.body === 'string') {
        expect(() => JSON.parse(text)).toThrow();
      } else {
        expect(differences(shapeOf(JSON.parse(text)), shapeOf(recorded.body), item.unlike)).toEqual([]);
      }
    });
  });
}
