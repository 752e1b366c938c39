import { getText } from './http-get.ts';

/**
 * Fingerprint of the key that browsers and SDKs seal for, as the gateway at `url` says it; null when nothing there says one. For
 * people to compare with what the secure field shows, and to pin in SDKs.
 */
export async function readFingerprint(url: string): Promise<string | null> {
  const { status, text } = await getText(`${url}/field/sealing-key`);
  return status === 200 ? (/"fingerprint":"([0-9A-F]{4}(?:-[0-9A-F]{4}){7})"/.exec(text)?.[1] ?? null) : null;
}
