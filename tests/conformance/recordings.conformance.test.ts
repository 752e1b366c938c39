import { join } from 'node:path';
import { loadCatalogue } from '@ownkey/providers/catalogue';
import { readModelList } from '@ownkey/providers/models';
import { describe, expect, test } from 'vitest';
import { judgeRecorded } from './gate.ts';
import { meaningIn } from './meaning.ts';
import { checkRecorded, recordedCases } from './recorded-case.ts';
import { answerBytes, readRecordings, targetOf } from './recording.ts';
import { replay } from './replay.ts';
import { prepare, WIRES } from './retell.ts';

/**
 * Replays recorded traffic of real providers through every caller's wire. `OWNKEY_RECORDINGS` names the folder; without it there
 * is nothing to replay, and the scenarios of the sandbox stand for it.
 */
const folder = process.env.OWNKEY_RECORDINGS;
const catalogue = loadCatalogue(join(import.meta.dirname, '../../catalogue'));
const recordings = folder ? readRecordings(folder) : [];
const cases = recordedCases(catalogue, recordings);

describe('the comparison of meanings', () => {
  const said = { id: '', model: '', parts: [{ type: 'text' as const, text: 'a' }], stop: 'stop' as const, usage: null };

  test.each([
    ['another text', { parts: [{ type: 'text' as const, text: 'b' }] }],
    ['another end', { stop: 'length' as const }],
    ['a lost call', { parts: [...said.parts, { type: 'tool-call' as const, id: '1', name: 'f', arguments: '{}' }] }],
  ])('sees %s', (_, other) => {
    for (const wire of WIRES) expect(meaningIn(wire, { ...said, ...other })).not.toEqual(meaningIn(wire, said));
  });
});

if (folder)
  describe('recorded exchanges', () => {
    test.each(cases)('$name keep their meaning, there and back, or are refused as expected', (testCase) => {
      const verdict = checkRecorded(testCase);
      expect(judgeRecorded([{ testCase, verdict }])).toEqual([]);
      // On its own wire nothing is ever refused.
      if (testCase.wire === testCase.caller) expect(verdict).toEqual({ refusals: [], replayed: true, problems: [] });
    });
  });

if (folder)
  describe('recorded failures', () => {
    const kinds: [RegExp, string][] = [
      [/401|invalid-key/, 'key_rejected'],
      [/insufficient-quota/, 'no_credit'],
      [/429-rate-limit/, 'rate_limited'],
      [/request-too-large/, 'too_large'],
      [/model-not-found/, 'not_found'],
      [/(?:500|503|529)-/, 'outage'],
      [/400-context-length|422|400-invalid-request|unsupported-parameter|tool-use-failed/, 'bad_request'],
    ];
    test.each(cases.filter(({ wire, caller, recording }) => wire === caller && recording.response.status >= 400))(
      '$name are told apart',
      (testCase) => {
        const kind = kinds.find(([pattern]) => pattern.test(testCase.recording.case))?.[1];
        const { recording, target, caller } = testCase;
        const exchange = prepare(target, caller, recording.request.body, String(recording.request.body.model));
        const { status, headers } = recording.response;
        const { failure } = replay(exchange, { status, headers, bytes: answerBytes(recording) });
        expect(failure?.kind).toBe(kind);
      },
    );
  });

if (folder)
  describe('recorded model lists', () => {
    const lists = recordings.filter(({ endpoint }) => endpoint === 'models' || endpoint === 'openai.models');
    test.each(lists)('$file is read', (recording) => {
      const { entry } = targetOf(catalogue, recording);
      const models = readModelList(entry, answerBytes(recording));
      expect(models.length).toBeGreaterThan(0);
      expect(new Set(models.map(({ id }) => id)).size).toBe(models.length);
      expect(
        models
          .filter(({ id }) => /embed|whisper|tts|dall-e|imagen|veo-/.test(id) && id !== 'whisper')
          .some(({ chat }) => chat),
      ).toBe(false);
      expect(models.some(({ chat }) => chat)).toBe(true);
      expect(models.some(({ id }) => id.startsWith('models/'))).toBe(false);
    });
  });
