import type { NeutralAnswer, NeutralEvent, NeutralPart } from '@ownkey/contract/neutral';
import type { CatalogueEntry, Wire } from '@ownkey/contract/provider';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SseParser } from '../sse.ts';
import { answerEvents } from './answer-events.ts';
import { OrderCheck } from './check-order.ts';
import { AnswerCollector } from './collect-answer.ts';
import { DIALECTS } from './dialects.ts';
import { TranslatedReader } from './reader.ts';

const WIRES: Wire[] = ['openai-chat', 'anthropic-messages', 'openai-responses'];
const PAIRS = WIRES.flatMap((from) => WIRES.filter((to) => to !== from).map((to) => [from, to] as const));
const entry = { id: 'acme', dialect: 'openai-chat', quirks: {} } as unknown as CatalogueEntry;
const context = { model: 'm', created: 1, includeUsage: true, inputEstimate: 7, request: {} };

const text = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' });
const count = fc.nat(1_000_000);
const usage = fc
  .record({ plain: count, cacheRead: count, cacheWrite5m: count, visible: count, reasoning: count })
  .map(({ plain, cacheRead, cacheWrite5m, visible, reasoning }) => ({
    input: plain + cacheRead + cacheWrite5m,
    cacheRead,
    cacheWrite5m,
    cacheWrite1h: 0,
    output: visible + reasoning,
    reasoning,
  }));
const call = fc.record({
  name: fc.stringMatching(/^[a-z_]{1,10}$/),
  input: fc.dictionary(fc.string(), fc.jsonValue()),
});

/** Answers that every wire can say as they are: thinking, then text, then calls. */
const answer: fc.Arbitrary<NeutralAnswer> = fc
  .record({
    thinking: fc.option(text),
    signature: fc.option(fc.base64String({ minLength: 8 })),
    said: fc.option(text),
    calls: fc.array(call, { maxLength: 3 }),
    usage,
  })
  .filter(({ said, calls }) => said !== null || calls.length > 0)
  .map(({ thinking, signature, said, calls, usage: counted }) => {
    const parts: NeutralPart[] = [];
    if (thinking !== null) {
      const signed = signature === null ? {} : { signature, format: 'anthropic-claude-v1' as const };
      parts.push({ type: 'thinking', text: thinking, ...signed });
    }
    if (said !== null) parts.push({ type: 'text', text: said });
    calls.forEach(({ name, input }, index) => {
      parts.push({ type: 'tool-call', id: `call_${index}`, name, arguments: JSON.stringify(input) });
    });
    return { id: 'a1', model: 'm', parts, stop: calls.length > 0 ? 'tool-calls' : 'stop', usage: counted };
  });

function writeStream(wire: Wire, said: NeutralAnswer): Buffer {
  const writer = DIALECTS[wire].streamWriter(context);
  return Buffer.from([...answerEvents(said)].map((event) => writer.write(event)).join(''));
}

function readStream(wire: Wire, bytes: Buffer): { events: NeutralEvent[]; answer: NeutralAnswer } {
  const parser = new SseParser();
  const reader = DIALECTS[wire].streamReader(entry, {});
  const events = [...parser.push(bytes), ...parser.end()].flatMap((event) => reader.read(event));
  events.push(...reader.end());
  const order = new OrderCheck();
  const collector = new AnswerCollector();
  for (const event of events) {
    order.check(event);
    collector.add(event);
  }
  return { events, answer: collector.answer() };
}

function translate(from: Wire, to: Wire, bytes: Buffer, cuts: readonly number[], limit = bytes.length) {
  const reader = new TranslatedReader({
    callerWire: to,
    wire: from,
    entry,
    stream: true,
    answerBytesMax: 1e7,
    context,
  });
  reader.head(200, { 'content-type': 'text/event-stream' });
  const out: Buffer[] = [];
  const take = (chunk: Buffer | null) => chunk && out.push(chunk);
  const borders = [...new Set(cuts.map((cut) => cut % (limit + 1)))].sort((a, b) => a - b);
  let at = 0;
  for (const border of [...borders, limit]) {
    if (border > at) take(reader.push(Buffer.from(bytes.subarray(at, border))));
    at = Math.max(at, border);
  }
  take(reader.end());
  return { bytes: Buffer.concat(out), reader };
}

/** Without what is made up on the way: ids of items. */
function plain({ parts, stop, usage: counted }: NeutralAnswer) {
  const shown = parts.map((part) => {
    if (part.type === 'tool-call') return { ...part, arguments: JSON.parse(part.arguments) };
    return part.type === 'thinking' ? { ...part, id: undefined } : part;
  });
  return { parts: shown, stop, usage: counted };
}

const ends: Record<Wire, RegExp> = {
  'openai-chat': /^data: \[DONE\]$/gm,
  'anthropic-messages': /^event: message_stop$/gm,
  'openai-responses': /^event: response\.(?:completed|incomplete)$/gm,
};
const errors: Record<Wire, RegExp> = {
  'openai-chat': /^data: \{"error":/gm,
  'anthropic-messages': /^event: error$/gm,
  'openai-responses': /^event: error$/gm,
};
const starts: Record<Wire, RegExp> = {
  'openai-chat': /"role":"assistant"/g,
  'anthropic-messages': /^event: message_start$/gm,
  'openai-responses': /^event: response\.created$/gm,
};
const times = (bytes: Buffer, pattern: RegExp): number => bytes.toString().match(pattern)?.length ?? 0;

describe.each(WIRES)('a %s stream', (wire) => {
  test('is read back as it was written', () => {
    fc.assert(
      fc.property(answer, (said) => {
        expect(plain(readStream(wire, writeStream(wire, said)).answer)).toEqual(plain(said));
      }),
    );
  });

  test('means the same as the whole answer', () => {
    fc.assert(
      fc.property(answer, (said) => {
        const whole = DIALECTS[wire].readAnswer(
          JSON.parse(JSON.stringify(DIALECTS[wire].buildAnswer(said, context))),
          entry,
        );
        expect(whole && plain(whole)).toEqual(plain(readStream(wire, writeStream(wire, said)).answer));
      }),
    );
  });
});

describe.each(PAIRS)('%s told as %s', (from, to) => {
  test('keeps its meaning wherever the chunks are cut', () => {
    fc.assert(
      fc.property(answer, fc.array(fc.nat(), { maxLength: 30 }), (said, cuts) => {
        const { bytes, reader } = translate(from, to, writeStream(from, said), cuts);
        expect(plain(readStream(to, bytes).answer)).toEqual(plain(said));
        expect(reader.usage()).toEqual({ usage: said.usage, basis: 'reported', partial: false });
        expect([times(bytes, starts[to]), times(bytes, ends[to]), times(bytes, errors[to])]).toEqual([1, 1, 0]);
      }),
    );
  });

  test('ends properly or as an error, never both, when it is cut at any byte', () => {
    fc.assert(
      fc.property(answer, fc.nat(), fc.array(fc.nat(), { maxLength: 4 }), (said, where, cuts) => {
        const whole = writeStream(from, said);
        const { bytes, reader } = translate(from, to, whole, cuts, where % whole.length);
        const failure = reader.failure();
        expect(times(bytes, ends[to]) + times(bytes, errors[to])).toBe(1);
        expect(failure === null).toBe(times(bytes, ends[to]) === 1);
        expect(times(bytes, starts[to])).toBeLessThanOrEqual(1);
        if (to !== 'openai-chat') expect(blockOpens(bytes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('says a failure of the connection in the wire of the caller', () => {
    fc.assert(
      fc.property(answer, fc.nat(), (said, where) => {
        const whole = writeStream(from, said);
        const reader = new TranslatedReader({
          callerWire: to,
          wire: from,
          entry,
          stream: true,
          answerBytesMax: 1e7,
          context,
        });
        reader.head(200, { 'content-type': 'text/event-stream' });
        const first = reader.push(whole.subarray(0, where % whole.length)) ?? Buffer.alloc(0);
        const last = reader.cut({ code: 'provider.cut', message: 'It broke.' }) ?? Buffer.alloc(0);
        expect(times(Buffer.concat([first, last]), errors[to]) + times(first, ends[to])).toBe(1);
      }),
    );
  });
});

/** Blocks or items opened and not closed. */
function blockOpens(bytes: Buffer): number {
  const text = bytes.toString();
  const opened = text.match(/^event: (?:content_block_start|response\.output_item\.added)$/gm)?.length ?? 0;
  const closed = text.match(/^event: (?:content_block_stop|response\.output_item\.done)$/gm)?.length ?? 0;
  return opened - closed;
}

describe('pieces of a chat stream in any order', () => {
  const piece = fc.oneof(
    text.map((content) => ({ content })),
    text.map((reasoning_content) => ({ reasoning_content })),
    fc.record({ index: fc.nat(2), part: fc.nat(2) }).map((tool) => ({ tool })),
  );

  test('come out as blocks in order, with nothing lost', () => {
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 25 }), fc.boolean(), (pieces, holds) => {
        const held = holds ? ({ ...entry, quirks: { tool_signature_filler: 'x' } } as CatalogueEntry) : entry;
        const reader = DIALECTS['openai-chat'].streamReader(held, {});
        const order = new OrderCheck();
        const collector = new AnswerCollector();
        const args = new Map<number, string>();
        const push = (delta: object, finish: string | null = null) => {
          const data = JSON.stringify({ id: 'a', model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] });
          for (const event of reader.read({ event: '', data })) {
            order.check(event);
            collector.add(event);
          }
        };
        for (const item of pieces) {
          if (!('tool' in item)) {
            push(item);
            continue;
          }
          // Arguments of the form {"k":[0,1,…: complete only with the last piece.
          const { index, part } = item.tool;
          const isNew = !args.has(index);
          const more = isNew ? `{"k":[${part}` : `,${part}`;
          args.set(index, (args.get(index) ?? '') + more);
          push({
            tool_calls: [
              {
                index,
                ...(isNew ? { id: `c${index}` } : {}),
                function: { ...(isNew ? { name: 'f' } : {}), arguments: more },
              },
            ],
          });
        }
        for (const index of args.keys()) push({ tool_calls: [{ index, function: { arguments: ']}' } }] });
        push({}, 'stop');
        for (const event of reader.read({ event: '', data: '[DONE]' })) {
          order.check(event);
          collector.add(event);
        }
        const { parts, stop } = collector.answer();
        const joined = (type: 'text' | 'thinking') =>
          parts.map((part) => (part.type === type ? part.text : '')).join('');
        const sent = (key: 'content' | 'reasoning_content') =>
          pieces.map((item) => (key in item ? (item as Record<string, string>)[key] : '')).join('');
        expect(joined('text')).toBe(sent('content'));
        expect(joined('thinking')).toBe(sent('reasoning_content'));
        const calls = parts.flatMap((part) => (part.type === 'tool-call' ? [[part.id, part.arguments]] : []));
        expect(Object.fromEntries(calls)).toEqual(
          Object.fromEntries([...args].map(([index, value]) => [`c${index}`, `${value}]}`])),
        );
        expect(stop).toBe(args.size > 0 ? 'tool-calls' : 'stop');
      }),
      { numRuns: 300 },
    );
  });
});
