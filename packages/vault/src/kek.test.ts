import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KekError, KekRing, kekFromBytes } from './kek.ts';
import { loadKekFile } from './kek-file.ts';
import { createKekFile } from './kek-write.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ownkey-kek-'));
  path = join(directory, 'kek');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const faultOf = (load: () => unknown): KekError => {
  try {
    load();
  } catch (error) {
    if (error instanceof KekError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};
/** Writes a text as a private file and loads it. */
const load = (text: string) => {
  writeFileSync(path, text, { mode: 0o600 });
  return loadKekFile(path);
};

describe('a new master key file', () => {
  it('is readable by its owner alone and loads as the same key', () => {
    const made = createKekFile(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const loaded = loadKekFile(path);
    expect([loaded.id, loaded.checkValue]).toEqual([made.id, made.checkValue]);
    const { kek_id, blob } = new KekRing(made).wrap('test', Buffer.from('secret'), []);
    expect(new KekRing(loaded).unwrap('test', kek_id, blob, []).toString()).toBe('secret');
  });

  it('never overwrites another one', () => {
    createKekFile(path);
    const before = readFileSync(path);
    expect(faultOf(() => createKekFile(path)).problem).toBe('exists');
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('is made once when a link leads to a file that is not there', () => {
    symlinkSync(join(directory, 'elsewhere'), path);
    expect(faultOf(() => createKekFile(path)).problem).toBe('exists');
  });

  it('differs every time', () => {
    const [a, b] = [createKekFile(path), createKekFile(`${path}2`)];
    expect(a.checkValue).not.toBe(b.checkValue);
    expect(a.id).not.toBe(b.id);
  });
});

describe('loading a master key file', () => {
  it.each([0o640, 0o604, 0o660, 0o666, 0o610, 0o601])('refuses mode %o and says which command repairs it', (mode) => {
    createKekFile(path);
    chmodSync(path, mode);
    const fault = faultOf(() => loadKekFile(path));
    expect(fault.problem).toBe('permissions');
    expect(fault.message).toContain(`chmod 600 ${path}`);
  });

  it('accepts a file that its owner can only read, and one behind a link', () => {
    createKekFile(path);
    chmodSync(path, 0o400);
    symlinkSync(path, `${path}-link`);
    expect(loadKekFile(`${path}-link`).checkValue).toBe(loadKekFile(path).checkValue);
  });

  it('refuses a missing file, a directory and a named pipe (without hanging on it)', () => {
    expect(faultOf(() => loadKekFile(path))).toMatchObject({
      problem: 'missing',
      message: expect.stringContaining('ownkey init'),
    });
    mkdirSync(path, { mode: 0o700 });
    expect(faultOf(() => loadKekFile(path)).problem).toBe('not_a_file');
    execFileSync('mkfifo', ['-m', '600', `${path}-pipe`]);
    expect(faultOf(() => loadKekFile(`${path}-pipe`)).problem).toBe('not_a_file');
  });

  const KEY = 'ab'.repeat(32);
  const CHECK = kekFromBytes('kek_0123456789', Buffer.from(KEY, 'hex')).checkValue;
  const whole = `ownkey master key v1\nid kek_0123456789\nkey ${KEY}\ncheck ${CHECK}\n`;
  it('accepts the written form it documents', () => {
    expect(load(whole).id).toBe('kek_0123456789');
  });

  it.each([
    ['empty', '', 'size'],
    ['far too large', `${whole}${'#'.repeat(17_000)}`, 'size'],
    ['another kind of file', KEY, 'format'],
    ['another version', whole.replace('v1', 'v2'), 'format'],
    ['cut after the key', whole.slice(0, whole.indexOf('check')), 'format'],
    ['without an id', whole.replace('id kek_0123456789', 'id '), 'format'],
    ['with a line too many', `${whole}more\n`, 'format'],
    ['with one digit less', whole.replace('abab\n', 'aba\n'), 'size'],
    ['with 33 bytes', whole.replace('abab\n', 'ababab\n'), 'size'],
    ['with a digit that is none', whole.replace('abab\n', 'abag\n'), 'size'],
    ['with one bit changed', whole.replace('abab\n', 'abaa\n'), 'check'],
    ['with another check value', whole.replace(`check ${CHECK}`, `check ${'0'.repeat(32)}`), 'check'],
    ['with the id of another key', whole.replace('kek_0123456789', 'kek_0123456780'), 'check'],
  ])('refuses a file that is %s', (_name, text, problem) => {
    const fault = faultOf(() => load(text));
    expect(fault.problem).toBe(problem);
    expect(`${fault.message}${fault.stack}`).not.toContain('abababab');
  });
});

describe('a key given as bytes', () => {
  it('is taken over: the bytes are erased, also when they are refused', () => {
    const raw = Buffer.alloc(32, 1);
    kekFromBytes('kek_a', raw);
    const short = Buffer.alloc(31, 1);
    expect(faultOf(() => kekFromBytes('kek_a', short)).problem).toBe('size');
    expect([...raw, ...short].every((byte) => byte === 0)).toBe(true);
  });

  it('prints without its key', async () => {
    const { inspect } = await import('node:util');
    const kek = kekFromBytes('kek_a', Buffer.alloc(32, 0xab));
    const shown =
      inspect(new KekRing(kek), { depth: 9, showHidden: true }) +
      inspect(kek, { depth: 9, showHidden: true }) +
      JSON.stringify(kek);
    expect(shown).not.toMatch(/(ab[ ,]?){8}|171, ?171/);
  });
});

describe('a ring', () => {
  const kek = (n: number) => kekFromBytes(`kek_${n}`, Buffer.alloc(32, n));
  const ring = new KekRing(kek(2), [kek(1)]);

  it('writes with the current key and reads with each', () => {
    const old = new KekRing(kek(1)).wrap('label', Buffer.from('x'), ['p']);
    expect(ring.unwrap('label', old.kek_id, old.blob, ['p']).toString()).toBe('x');
    expect(ring.wrap('label', Buffer.from('x'), []).kek_id).toBe('kek_2');
    expect([ring.currentId, ring.ids, ring.checkValueOf('kek_9')]).toEqual(['kek_2', ['kek_2', 'kek_1'], null]);
  });

  it('unwraps nothing for another label, other parts, another key or an unknown one', () => {
    const { blob } = ring.wrap('label', Buffer.from('x'), ['p']);
    expect(faultOf(() => ring.unwrap('other', 'kek_2', blob, ['p'])).problem).toBe('cipher');
    expect(faultOf(() => ring.unwrap('label', 'kek_2', blob, ['q'])).problem).toBe('cipher');
    expect(faultOf(() => ring.unwrap('label', 'kek_1', blob, ['p'])).problem).toBe('cipher');
    expect(faultOf(() => ring.unwrap('label', 'kek_9', blob, ['p'])).problem).toBe('unknown_kek');
  });

  it('derives one key per label and master key, the same every time', () => {
    const text = (label: string, id?: string) => ring.deriveKey(label, id).export().toString('hex');
    expect(text('audit')).toBe(text('audit', 'kek_2'));
    expect(new Set([text('audit'), text('other'), text('audit', 'kek_1')]).size).toBe(3);
    expect(faultOf(() => ring.deriveKey('audit', 'kek_9')).problem).toBe('unknown_kek');
  });

  it('refuses two different keys under one id and takes the same key twice', () => {
    expect(faultOf(() => new KekRing(kek(1), [kekFromBytes('kek_1', Buffer.alloc(32, 9))])).problem).toBe('format');
    expect(new KekRing(kek(1), [kek(1)]).ids).toEqual(['kek_1']);
  });
});
