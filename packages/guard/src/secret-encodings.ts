/**
 * The ASCII forms in which a key turns up in texts. All results are buffers of their own, outside V8's heap (`new Uint8Array(n)` puts
 * up to 64 bytes inside it, and a `subarray` then leaves a copy there that nobody erases): the caller erases them.
 */

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const UNRESERVED = /[A-Za-z0-9\-_.!~*'()]/;

/**
 * One form of a key. Within base64 the characters at its borders may hold bits of the key and of its neighbour: they are not part of
 * the form, and go with it where it is found.
 */
export interface SecretForm {
  readonly bytes: Uint8Array;
  readonly sharesBefore: boolean;
  readonly sharesAfter: boolean;
}

/**
 * As it is; in hex, both cases; within base64 and base64url at each of the three places it can have in a group (only the characters that
 * depend on nothing but the key); percent-escaped and JSON-escaped where that differs.
 */
export function encodingsOf(key: Uint8Array): SecretForm[] {
  const whole = [plain(key), hex(key, '0123456789abcdef'), hex(key, '0123456789ABCDEF')];
  whole.push(...escaped(key, (byte) => !UNRESERVED.test(String.fromCharCode(byte)), percent));
  whole.push(
    ...escaped(
      key,
      (byte) => byte === 0x22 || byte === 0x5c,
      (byte) => [0x5c, byte],
    ),
  );
  const forms: SecretForm[] = whole.map((bytes) => ({ bytes, sharesBefore: false, sharesAfter: false }));
  for (const before of [0, 1, 2]) {
    const shares = { sharesBefore: before > 0, sharesAfter: ((before + key.length) * 8) % 6 !== 0 };
    const standard = base64(key, before, '+/');
    const urlSafe = base64(key, before, '-_');
    forms.push({ bytes: standard, ...shares });
    if (isSame(standard, urlSafe)) urlSafe.fill(0);
    else forms.push({ bytes: urlSafe, ...shares });
  }
  return forms;
}

function plain(key: Uint8Array): Uint8Array {
  const form = new Uint8Array(new ArrayBuffer(key.length));
  form.set(key);
  return form;
}

function hex(key: Uint8Array, digits: string): Uint8Array {
  const form = new Uint8Array(new ArrayBuffer(key.length * 2));
  for (const [i, byte] of key.entries()) {
    form[i * 2] = digits.charCodeAt(byte >> 4);
    form[i * 2 + 1] = digits.charCodeAt(byte & 15);
  }
  return form;
}

/** The base64 characters all of whose bits come from the key, when `before` other bytes stand before it. */
function base64(key: Uint8Array, before: number, last: string): Uint8Array {
  const alphabet = BASE64 + last;
  const first = Math.ceil((before * 8) / 6);
  const end = Math.floor(((before + key.length) * 8) / 6);
  const form = new Uint8Array(new ArrayBuffer(end - first));
  const bit = (at: number) => ((key[(at >> 3) - before] ?? 0) >> (7 - (at & 7))) & 1;
  for (let i = first; i < end; i++) {
    let value = 0;
    for (let at = i * 6; at < i * 6 + 6; at++) value = value * 2 + bit(at);
    form[i - first] = alphabet.charCodeAt(value);
  }
  return form;
}

function escaped(key: Uint8Array, needs: (byte: number) => boolean, write: (byte: number) => number[]): Uint8Array[] {
  const size = key.reduce((sum, byte) => sum + (needs(byte) ? write(byte).length : 1), 0);
  if (size === key.length) return [];
  const form = new Uint8Array(new ArrayBuffer(size));
  let at = 0;
  for (const byte of key) for (const out of needs(byte) ? write(byte) : [byte]) form[at++] = out;
  return [form];
}

function percent(byte: number): number[] {
  const digits = '0123456789ABCDEF';
  return [0x25, digits.charCodeAt(byte >> 4), digits.charCodeAt(byte & 15)];
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
