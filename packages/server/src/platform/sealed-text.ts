import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/**
 * Texts the control plane has to read again and a copy of the database must not show: secrets of webhooks, codes in mails that wait.
 * AES-256-GCM under a key derived from OWNKEY_AUTH_SECRET, bound to `context`: moved to another row a text does not open.
 * Provider keys are never kept this way; those only a worker can open.
 */

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export type SealedPurpose = 'webhook-secret' | 'mail-code';

export function sealText(authSecret: string, purpose: SealedPurpose, context: string, text: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyOf(authSecret, purpose), nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(context, 'utf8'));
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

/** null = not sealed with this secret, for this purpose and context. */
export function openText(authSecret: string, purpose: SealedPurpose, context: string, sealed: Buffer): string | null {
  try {
    const nonce = sealed.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', keyOf(authSecret, purpose), nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(context, 'utf8'));
    decipher.setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString(
      'utf8',
    );
  } catch {
    return null;
  }
}

function keyOf(authSecret: string, purpose: SealedPurpose): Buffer {
  return Buffer.from(hkdfSync('sha256', authSecret, '', `ownkey/${purpose}/v1`, 32));
}
