import { createCipheriv, createHmac, randomBytes } from 'node:crypto';

/** A Fernet key as Python makes it. */
export const fernetKey = (): string => `${randomBytes(32).toString('base64url')}=`;

/** What Python's `Fernet(key).encrypt(clear)` gives; checked against Python's own tokens by the importer's vectors. */
export function fernetToken(key: string, clear: string | Buffer): string {
  const bytes = Buffer.from(key, 'base64url');
  const iv = randomBytes(16);
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 1000)));
  const cipher = createCipheriv('aes-128-cbc', bytes.subarray(16), iv);
  const signed = Buffer.concat([Buffer.from([0x80]), time, iv, cipher.update(clear), cipher.final()]);
  const mac = createHmac('sha256', bytes.subarray(0, 16)).update(signed).digest();
  const text = Buffer.concat([signed, mac]).toString('base64url');
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=');
}
