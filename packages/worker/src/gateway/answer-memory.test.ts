import { expect, test } from 'vitest';
import { AnswerMemory } from './answer-memory.ts';

const limits = { answerBytesMax: 10, companyBytesMax: 16, bytesMax: 24 };
const piece = (bytes: number) => Buffer.alloc(bytes);

test('an answer of which nothing is handed on may hold so much, and gives it back when it ends', () => {
  const memory = new AnswerMemory(limits);
  const answer = memory.open('a');
  expect(answer.note(piece(10), null)).toBeNull();
  expect(() => answer.note(piece(1), null)).toThrow('more than 10 bytes');
  expect(memory.bytes).toBe(10);
  answer.end();
  answer.end();
  expect(memory.bytes).toBe(0);
});

test('an answer that is handed on holds nothing', () => {
  const memory = new AnswerMemory(limits);
  const answer = memory.open('a');
  answer.note(piece(8), null);
  expect(answer.note(piece(8), piece(1))).toHaveLength(1);
  expect(memory.bytes).toBe(0);
  answer.note(piece(10), null);
  expect(memory.bytes).toBe(10);
});

test('answers of one company share a bound, and leave room for others', () => {
  const memory = new AnswerMemory(limits);
  const [first, second, other] = [memory.open('a'), memory.open('a'), memory.open('b')];
  first.note(piece(9), null);
  expect(() => second.note(piece(9), null)).toThrow('more than');
  other.note(piece(9), null);
  expect(() => memory.open('c').note(piece(9), null)).toThrow('more than');
  first.end();
  expect(second.note(piece(9), null)).toBeNull();
});
