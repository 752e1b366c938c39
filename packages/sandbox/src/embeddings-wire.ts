/** Embeddings. Reference: https://platform.openai.com/docs/api-reference/embeddings/create */
import type { Usage } from '@ownkey/contract/usage';
import { NO_USAGE } from '@ownkey/contract/usage';
import { fillId } from './answer.ts';
import { BadRequest } from './ask.ts';
import { limitOf } from './ask-chat.ts';
import { type Json, type JsonObject, textOf } from './json.ts';
import { Mint, seedOf } from './mint.ts';
import type { Profile, SandboxModel } from './profile.ts';
import { fillObject } from './template.ts';
import { tokensOf } from './tokens.ts';
import { usageValues } from './usage-values.ts';

const STEPS = 20_000;

/** Throws BadRequest. Equal input gives an equal vector, at every provider with as many dimensions. */
export function embeddingsAnswer(
  profile: Profile,
  model: SandboxModel,
  body: JsonObject,
  mint: Mint,
): { body: JsonObject; usage: Usage } | null {
  const shapes = profile.embeddings;
  if (!shapes) return null;
  const inputs = readInputs(body.input);
  const dimensions = limitOf(body.dimensions, 'dimensions') ?? model.dimensions;
  if (dimensions > model.dimensions)
    throw new BadRequest('dimensions', `Invalid value for 'dimensions': the model has at most ${model.dimensions}.`);
  const base64 = body.encoding_format === 'base64';
  const usage = { ...NO_USAGE, input: inputs.reduce((sum, input) => sum + input.tokens, 0) };
  const data = inputs.map((input, index) => {
    const vector = vectorOf(input.text, dimensions);
    return fillObject(shapes.item, { index, embedding: base64 ? toBase64(vector) : vector }, mint);
  });
  const values = {
    ...usageValues(usage, model, false),
    id: fillId(profile.ids.answer, mint),
    data,
    model: model.answersAs,
    asked_model: textOf(body.model),
  };
  return { body: fillObject(shapes.answer, values, mint), usage };
}

interface EmbeddingInput {
  text: string;
  tokens: number;
}

function readInputs(input: Json | undefined): EmbeddingInput[] {
  const list = Array.isArray(input) && !input.every(isNumber) ? input : [input];
  const inputs = list.map((item) => readInput(item));
  if (input === undefined || inputs.length === 0) throw new BadRequest('input', "Missing required parameter: 'input'.");
  return inputs;
}

function readInput(item: Json | undefined): EmbeddingInput {
  if (typeof item === 'string' && item !== '') return { text: item, tokens: tokensOf(item) };
  if (Array.isArray(item) && item.length > 0 && item.every(isNumber))
    return { text: item.join(' '), tokens: item.length };
  throw new BadRequest('input', "Invalid 'input': expected a non-empty string, a list of strings or lists of tokens.");
}

function isNumber(value: Json): boolean {
  return typeof value === 'number';
}

/** Numbers with an exact 32-bit form, so that float and base64 answers are equal. */
function vectorOf(text: string, dimensions: number): number[] {
  const mint = new Mint(seedOf('embedding', text));
  return Array.from({ length: dimensions }, () => Math.fround((mint.number(STEPS) - STEPS / 2) / (STEPS * 10)));
}

function toBase64(vector: number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  vector.forEach((value, at) => {
    bytes.writeFloatLE(value, at * 4);
  });
  return bytes.toString('base64');
}
