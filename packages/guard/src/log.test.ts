import { describe, expect, it } from 'vitest';
import { createLogger, type LoggerOptions, scrubbingLogOptions, scrubbingStream } from './log.ts';
import { createScrubber, SCRUB_CHARACTERS_MAX } from './scrub.ts';

const KEY = 'sk-ant-api03-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789';
const scrubber = createScrubber();
function logTo(over: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const log = createLogger({
    name: 'worker',
    level: 'info',
    scrubber,
    write: (line) => lines.push(line),
    now: () => 0,
    ...over,
  });
  return { log, lines };
}

describe('the logger', () => {
  it('writes one line of JSON a record', () => {
    const { log, lines } = logTo();
    log.warn('slow\nprovider', { provider: 'acme', ms: 12 });
    expect(lines).toEqual([
      '{"time":"1970-01-01T00:00:00.000Z","level":"warn","name":"worker","message":"slow\\nprovider","provider":"acme","ms":12}\n',
    ]);
  });

  it('writes its level and above only', () => {
    const { log, lines } = logTo({ level: 'warn' });
    for (const level of ['debug', 'info', 'warn', 'error', 'fatal'] as const) log[level](level);
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(['warn', 'error', 'fatal']);
    const silent = logTo({ level: 'silent' });
    silent.log.fatal('x');
    expect(silent.lines).toEqual([]);
  });

  it('scrubs messages, fields, bound fields and errors', () => {
    const { log, lines } = logTo();
    log.child({ bound: KEY }).error(`m ${KEY}`, { headers: { authorization: KEY }, err: new Error(KEY) });
    expect(lines).toHaveLength(1);
    expect(lines.join('')).not.toContain('AbCdEf');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ bound: '[sk-ant-…redacted]', err: { type: 'Error' } });
  });

  it('does not let fields pose as its own', () => {
    const { log, lines } = logTo();
    log.info('real', { level: 'fatal', message: 'false', time: 'never', name: 'other' });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', message: 'real', name: 'worker' });
  });

  it('replaces fields that make a line too long, and still writes a whole line', () => {
    const { log, lines } = logTo();
    log.info('m', { list: Array.from({ length: 150 }, () => 'word '.repeat(100)) });
    expect(lines[0]?.length).toBeLessThan(SCRUB_CHARACTERS_MAX);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ message: 'm', cut: expect.any(Number) });
  });
});

describe('the options for pino', () => {
  const options = scrubbingLogOptions(scrubber);
  const logged = (...args: unknown[]): unknown[] => {
    const calls: unknown[][] = [];
    options.hooks.logMethod.call({}, args, (...given: unknown[]) => calls.push(given));
    expect(calls).toHaveLength(1);
    return calls[0] ?? [];
  };

  it('scrub every argument of a call', () => {
    expect(logged({ headers: { authorization: KEY } }, 'used %s', KEY)).toEqual([
      { headers: { authorization: '[redacted]' } },
      'used %s',
      '[sk-ant-…redacted]',
    ]);
  });

  it('keep an error in its place, with its message', () => {
    expect(logged(new Error(`bad ${KEY}`))).toMatchObject([{ err: { type: 'Error' } }, 'bad [sk-ant-…redacted]']);
    expect(logged(new Error('bad'), 'text')).toMatchObject([{ err: { message: 'bad' } }, 'text']);
  });

  it('scrub bound fields', () => {
    expect(options.formatters.bindings({ token: KEY, pid: 1 })).toEqual({ token: '[redacted]', pid: 1 });
    expect(options.serializers.err(new TypeError(KEY))).toMatchObject({
      type: 'TypeError',
      message: '[sk-ant-…redacted]',
    });
  });

  it('scrub finished lines once more, and replace one that is too long', () => {
    const lines: string[] = [];
    const stream = scrubbingStream(scrubber, { write: (line) => lines.push(line) });
    stream.write(`{"msg":"${KEY}"}\n`);
    stream.write(`{"msg":"${'x'.repeat(SCRUB_CHARACTERS_MAX)}"}\n`);
    expect(lines[0]).toBe('{"msg":"[sk-ant-…redacted]"}\n');
    expect(JSON.parse(lines[1] ?? '')).toEqual({ msg: 'log line too long', cut: SCRUB_CHARACTERS_MAX + 11 });
  });
});
