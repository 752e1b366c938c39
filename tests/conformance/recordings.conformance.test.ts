import { join } from 'node:path';
import { readBody } from '@ownkey/policy/read-body';
import { loadCatalogue } from '@ownkey/providers/catalogue';
import { prepareExchange } from '@ownkey/providers/exchange';
import { describe, expect, test } from 'vitest';
import { answerBytes, type Recording, readRecordings, targetOf, WIRE_OF_ENDPOINT } from './recording.ts';
import { replay } from './replay.ts';

const folder = process.env.OWNKEY_RECORDINGS;
const catalogue = loadCatalogue(join(import.meta.dirname, '../../catalogue'));
const all = folder ? readRecordings(folder) : [];
const spoken = all.filter((recording) => WIRE_OF_ENDPOINT[recording.endpoint]);

function sameWire(recording: Recording) {
  const wire = WIRE_OF_ENDPOINT[recording.endpoint]!;
  const target = targetOf(catalogue, recording);
  const model = String(recording.request.body.model);
  const body = Buffer.from(JSON.stringify({ ...recording.request.body, model: `x/${model}` }));
  const read = readBody(body);
  const exchange = prepareExchange(
    target,
    {
      wire,
      body,
      modelRange: read.modelRange,
      stream: read.stream,
      upstreamModel: model,
      callerModel: read.model,
      headers: {},
    },
    { answerBytesMax: 64 * 1024 * 1024 },
  );
  return { exchange, target, wire };
}

describe.runIf(folder)('same wire', () => {
  test.each(spoken)('$file', (recording) => {
    const { exchange } = sameWire(recording);
    const bytes = answerBytes(recording);
    const one = replay(exchange, { ...recording.response, bytes });
    const three = replay(exchange, { ...recording.response, bytes }, [1, 7, 3]);
    expect(three.body.equals(one.body)).toBe(true);
    console.log(
      recording.file,
      recording.response.status,
      one.body.equals(bytes) ? 'SAME' : 'DIFF',
      one.failure?.kind ?? '-',
      one.failure?.status ?? '',
      JSON.stringify(one.usage?.usage ?? null),
      one.usage?.partial,
      one.generated,
      exchange.request.body.toString().slice(0, 80),
    );
    if (!one.body.equals(bytes) && recording.response.status < 300) console.log(one.body.toString().slice(-600));
  });
});
