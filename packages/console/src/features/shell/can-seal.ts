/** Whether this page may encrypt: browsers offer it on https and localhost alone. */
export function canSeal(): boolean {
  return globalThis.isSecureContext && globalThis.crypto?.subtle !== undefined;
}
