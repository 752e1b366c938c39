import { join } from 'node:path';
import { UnsupportedFeature } from '@ownkey/contract/dialect';
import type { CatalogueEntry, ProviderTarget, Wire } from '@ownkey/contract/provider';
import { readBody } from '@ownkey/policy/read-body';
import { loadCatalogue } from '@ownkey/providers/catalogue';
import { prepareExchange } from '@ownkey/providers/exchange';
import { readModelList } from '@ownkey/providers/models';
import { DIALECTS } from '@ownkey/providers/translate/dialects';
import { describe, expect, test } from 'vitest';
import { meaningIn, readMeaning } from './meaning.ts';
import { answerBytes, type Recording, readRecordings, targetOf, WIRE_OF_ENDPOINT } from './recording.ts';
import { type Replayed, replay } from './replay.ts';

/**
 * Replays recorded traffic of real providers through every caller's wire. `OWNKEY_RECORDINGS` names the folder; without it there
 * is nothing to replay, and the scenarios of the sandbox stand for it.
 */
const folder = process.env.OWNKEY_RECORDINGS;
const catalogue = loadCatalogue(join(import.meta.dirname, '../../catalogue'));
const recordings = folder ? readRecordings(folder) : [];
const WIRES: readonly Wire[] = ['openai-chat', 'anthropic-messages', 'openai-responses'];
const LIMITS = { answerBytesMax: 64 * 1024 * 1024 };
/** Cuts inside characters, lines and events. */
const CHUNKINGS = [[1], [7, 1, 3, 64], [4096]];

interface Case {
  name: string;
  recording: Recording;
  wire: Wire;
  caller: Wire;
  target: ProviderTarget;
}

const cases: Case[] = recordings.flatMap((recording) => {
  const wire = WIRE_OF_ENDPOINT[recording.endpoint];
  if (!wire) return [];
  const target = targetOf(catalogue, recording);
  return WIRES.map((caller) => ({
    name: `${recording.file} for ${caller}`,
    recording,
    wire,
    caller,
    target: speaking(target, wire),
  }));
});

/** The provider speaks this one wire alone. */
function speaking(target: ProviderTarget, wire: Wire): ProviderTarget {
  const { entry } = target;
  const abilities = { ...entry.abilities, responses: wire === 'openai-responses' };
  return { ...target, entry: { ...entry, dialect: wire, abilities } };
}

/** Every quirk that lets a request keep what it says, so that recorded requests can be told in other wires. */
const EXPRESSIVE: CatalogueEntry['quirks'] = { cache_control: true, reasoning_details: true, effort_models: [''] };

/** The recorded request as a caller of the wire would have sent it; null where that wire cannot say it. */
function requestIn({ recording, wire, caller, target }: Case): Record<string, unknown> | null {
  const { body } = recording.request;
  if (caller === wire) return { ...body };
  try {
    const neutral = DIALECTS[wire].readRequest(body, caller);
    return DIALECTS[caller].buildRequest(neutral, { ...target.entry, dialect: caller, quirks: EXPRESSIVE }, true);
  } catch (error) {
    if (error instanceof UnsupportedFeature) return null;
    throw error;
  }
}

function prepare(testCase: Case, said: Record<string, unknown>) {
  const body = Buffer.from(JSON.stringify({ ...said, model: 'some/model' }));
  const { modelRange, stream } = readBody(body);
  return prepareExchange(
    testCase.target,
    {
      wire: testCase.caller,
      body,
      modelRange,
      stream,
      upstreamModel: String(testCase.recording.request.body.model),
      callerModel: 'some/model',
      headers: {},
    },
    LIMITS,
  );
}

/** The replayed answer, the same whatever the chunks; null where the request is refused by name. */
function run(testCase: Case): Replayed | null {
  const said = requestIn(testCase);
  if (said === null) return null;
  let exchange: ReturnType<typeof prepare>;
  try {
    exchange = prepare(testCase, said);
  } catch (error) {
    if (error instanceof UnsupportedFeature) {
      expect(error.param).not.toBe('');
      return null;
    }
    throw error;
  }
  const { status, headers } = testCase.recording.response;
  const answer = { status, headers, bytes: answerBytes(testCase.recording) };
  const whole = replay(exchange, answer);
  // Ids are made up where a provider gave none; nothing recorded needs that.
  for (const sizes of CHUNKINGS) expect(replay(exchange, answer, sizes).body.toString()).toBe(whole.body.toString());
  return whole;
}

const answered = cases.filter(({ recording }) => recording.response.status < 300);
const failed = cases.filter(({ recording }) => recording.response.status >= 400);

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

if (folder) {
  describe('recorded answers', () => {
    test.each(answered.filter(({ wire, caller }) => wire === caller))('$name pass through', (testCase) => {
      const { recording, wire, target } = testCase;
      const replayed = run(testCase);
      const bytes = answerBytes(recording);
      const isStream = recording.response.sse !== undefined;
      const { quirks } = target.entry;
      const isRepaired = quirks.content_parts || quirks.repair_tool_calls || quirks.repair_finish_reason;
      const addsUsage = wire === 'openai-chat' && isStream && recording.request.body.stream_options === undefined;
      if (!isRepaired && !addsUsage) expect(replayed?.body.equals(bytes)).toBe(true);
      const before = readMeaning(wire, target.entry, bytes, isStream);
      const after = readMeaning(wire, target.entry, replayed?.body ?? Buffer.alloc(0), isStream);
      expect(meaningIn(wire, after.answer)).toEqual(meaningIn(wire, before.answer));
      expect(replayed?.failure?.kind).toBe(before.failure?.kind);
      expect(replayed?.usage?.usage ?? null).toEqual(before.answer.usage);
    });

    test.each(answered.filter(({ wire, caller }) => wire !== caller))('$name keep their meaning', (testCase) => {
      const { recording, wire, caller, target } = testCase;
      const replayed = run(testCase);
      if (replayed === null) return;
      const isStream = recording.response.sse !== undefined;
      const before = readMeaning(wire, target.entry, answerBytes(recording), isStream);
      const plain = { ...target.entry, dialect: caller, quirks: {} };
      const after = readMeaning(caller, plain, replayed.body, isStream);
      expect(meaningIn(caller, after.answer)).toEqual(meaningIn(caller, before.answer));
      expect(replayed.failure?.kind).toBe(before.failure?.kind);
      expect(replayed.usage?.usage ?? null).toEqual(before.answer.usage);
      expect(after.isComplete).toBe(before.isComplete);
      if (before.failure) expect(after.failure?.message).toBe(before.failure.message);
      else if (before.answer.usage) expect(after.answer.usage).toEqual(withoutCost(before.answer.usage, caller));
    });

    test.each(failed)('$name keep status and message', (testCase) => {
      const replayed = run(testCase);
      if (replayed === null) return;
      const { status, headers } = testCase.recording.response;
      expect(replayed.head.status).toBe(status);
      expect(replayed.failure?.status).toBe(status);
      expect(replayed.failure?.kind).not.toBe('unreadable');
      const body = JSON.parse(replayed.body.toString());
      expect(body.error.message).toBe(replayed.failure?.message);
      expect(body.error.message).not.toMatch(/<\w/);
      if (headers['retry-after']) expect(replayed.head.headers['retry-after']).toBe(headers['retry-after']);
    });
  });
}

/** What the wire has a place for: no wire writes a provider's own price, chat and responses know one kind of cache write. */
function withoutCost(usage: NonNullable<ReturnType<typeof readMeaning>['answer']['usage']>, caller: Wire) {
  const { providerCostUsd: _, ...rest } = usage;
  if (caller === 'anthropic-messages') return rest;
  return { ...rest, cacheWrite5m: rest.cacheWrite5m + rest.cacheWrite1h, cacheWrite1h: 0 };
}

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
    test.each(failed.filter(({ wire, caller }) => wire === caller))('$name are told apart', (testCase) => {
      const kind = kinds.find(([pattern]) => pattern.test(testCase.recording.case))?.[1];
      expect(run(testCase)?.failure?.kind).toBe(kind);
    });
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
