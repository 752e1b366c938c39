import { UnsupportedFeature } from '@ownkey/contract/dialect';
import type { CatalogueEntry, ProviderTarget, Wire } from '@ownkey/contract/provider';
import type { Catalogue } from '@ownkey/providers/catalogue';
import { DIALECTS } from '@ownkey/providers/translate/dialects';
import { Findings } from './findings.ts';
import { meaningIn, readMeaning } from './meaning.ts';
import { answerBytes, type Recording, targetOf, WIRE_OF_ENDPOINT } from './recording.ts';
import { type Replayed, replay } from './replay.ts';
import { checkRoundTrip, plainEntry, prepare, sayable, WIRES } from './retell.ts';

/** A recording as a caller of one wire would have had it. */
export interface RecordedCase {
  name: string;
  recording: Recording;
  /** The wire it was recorded in. */
  wire: Wire;
  caller: Wire;
  target: ProviderTarget;
}

export interface RecordedVerdict {
  /** Fields of the recorded request that have no place in the caller's wire, with the reason. */
  refusals: { param: string; reason: string }[];
  /** False where the answer means nothing without what was refused. */
  replayed: boolean;
  /** What did not hold. */
  problems: string[];
}

/** Cuts inside characters, lines and events. */
const CHUNKINGS = [[1], [7, 1, 3, 64], [4096]];

/** Every caller's wire for every recording that a dialect speaks; the others are not applicable. */
export function recordedCases(catalogue: Catalogue, recordings: readonly Recording[]): RecordedCase[] {
  return recordings.flatMap((recording) => {
    const wire = WIRE_OF_ENDPOINT[recording.endpoint];
    if (!wire) return [];
    const target = speaking(targetOf(catalogue, recording), wire);
    return WIRES.map((caller) => ({ name: `${recording.file} for ${caller}`, recording, wire, caller, target }));
  });
}

/** The provider speaks this one wire alone. */
function speaking(target: ProviderTarget, wire: Wire): ProviderTarget {
  const { entry } = target;
  const abilities = { ...entry.abilities, responses: wire === 'openai-responses' };
  return { ...target, entry: { ...entry, dialect: wire, abilities } };
}

/** Every quirk that lets a request keep what it says, so that recorded requests can be told in other wires. */
const EXPRESSIVE: CatalogueEntry['quirks'] = { cache_control: true, reasoning_details: true, effort_models: [''] };

/** The recorded request as a caller of the wire would have sent it, less the fields which that wire has no place for. */
function requestIn({ recording, wire, caller, target }: RecordedCase) {
  const refusals: RecordedVerdict['refusals'] = [];
  let body = recording.request.body;
  if (caller === wire) return { said: body, refusals };
  for (;;) {
    try {
      const neutral = DIALECTS[wire].readRequest(body, caller);
      const entry = { ...target.entry, dialect: caller, quirks: EXPRESSIVE };
      return { said: DIALECTS[caller].buildRequest(neutral, entry, true), refusals };
    } catch (error) {
      if (!(error instanceof UnsupportedFeature)) throw error;
      refusals.push({ param: error.param, reason: error.message });
      // Without one of its settings the answer is what it is; without a part of the conversation it is another one.
      const { [error.param]: dropped, ...rest } = body;
      if (dropped === undefined || error.param === 'n') return { said: null, refusals };
      body = rest;
    }
  }
}

/** Replays one recording for one caller and compares what it means. The bytes are the same whatever the chunks. */
export function checkRecorded(testCase: RecordedCase): RecordedVerdict {
  const findings = new Findings();
  const { said, refusals } = requestIn(testCase);
  for (const { param } of refusals) findings.holds('a refusal names no field', param !== '');
  if (said === null) return { refusals, replayed: false, problems: findings.lines };
  try {
    replayRecorded(findings, testCase, said);
  } catch (error) {
    findings.lines.push(`cannot be read: ${String(error)}`);
  }
  return { refusals, replayed: true, problems: findings.lines };
}

function replayRecorded(findings: Findings, testCase: RecordedCase, said: object): void {
  const exchange = prepare(testCase.target, testCase.caller, said, String(testCase.recording.request.body.model));
  const { status, headers } = testCase.recording.response;
  const answer = { status, headers, bytes: answerBytes(testCase.recording) };
  const whole = replay(exchange, answer);
  // Ids are made up where a provider gave none; nothing recorded needs that.
  for (const sizes of CHUNKINGS)
    findings.holds(`other bytes in pieces of ${sizes}`, replay(exchange, answer, sizes).body.equals(whole.body));
  if (status >= 400) checkFailure(findings, testCase, whole);
  else if (testCase.wire === testCase.caller) checkSameWire(findings, testCase, whole);
  else checkOtherWire(findings, testCase, whole);
}

function checkSameWire(findings: Findings, { recording, wire, target }: RecordedCase, replayed: Replayed): void {
  const bytes = answerBytes(recording);
  const isStream = recording.response.sse !== undefined;
  const { quirks } = target.entry;
  const isRepaired = quirks.content_parts || quirks.repair_tool_calls || quirks.repair_finish_reason;
  const addsUsage = wire === 'openai-chat' && isStream && recording.request.body.stream_options === undefined;
  if (!isRepaired && !addsUsage) findings.holds('not the same bytes', replayed.body.equals(bytes));
  const before = readMeaning(wire, target.entry, bytes, isStream);
  const after = readMeaning(wire, target.entry, replayed.body, isStream);
  findings.same('meaning', meaningIn(wire, after.answer), meaningIn(wire, before.answer));
  findings.same('failure', replayed.failure?.kind, before.failure?.kind);
  findings.same('usage', replayed.usage?.usage ?? null, before.answer.usage);
}

function checkOtherWire(findings: Findings, testCase: RecordedCase, replayed: Replayed): void {
  const { recording, wire, caller, target } = testCase;
  const isStream = recording.response.sse !== undefined;
  const before = readMeaning(wire, target.entry, answerBytes(recording), isStream);
  const after = readMeaning(caller, plainEntry(target.entry, caller), replayed.body, isStream);
  findings.same('meaning', meaningIn(caller, after.answer), meaningIn(caller, before.answer));
  findings.same('failure', replayed.failure?.kind, before.failure?.kind);
  findings.same('usage', replayed.usage?.usage ?? null, before.answer.usage);
  findings.same('completeness', after.isComplete, before.isComplete);
  if (before.failure) findings.same('message', after.failure?.message, before.failure.message);
  else {
    if (before.answer.usage) findings.same('usage written', after.answer.usage, sayable(before.answer.usage, caller));
    checkRoundTrip(findings, target, wire, caller, { bytes: replayed.body, isStream, before });
  }
}

function checkFailure(findings: Findings, { recording }: RecordedCase, { head, body, failure }: Replayed): void {
  const { status, headers } = recording.response;
  findings.same('status', head.status, status);
  findings.same('status of the failure', failure?.status, status);
  findings.holds('the failure is unreadable', failure?.kind !== 'unreadable');
  const { message } = JSON.parse(body.toString()).error;
  findings.same('message', message, failure?.message);
  findings.holds('HTML in the message', !/<\w/.test(message));
  if (headers['retry-after']) findings.same('retry-after', head.headers['retry-after'], headers['retry-after']);
}
