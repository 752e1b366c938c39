import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { Server as HttpsServer } from 'node:https';
import type { Logger } from '@ownkey/guard/log';

/** Certificate chain and private key of the gateway, and where they are. */
export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly certPath: string;
  readonly keyPath: string;
}

/** What every handshake is held to. TLS 1.0 and 1.1 are refused whatever Node's own default is. */
export const TLS_RULES = { minVersion: 'TLSv1.2', honorCipherOrder: true } as const;

const RELOAD_MS = 30_000;

/** Why these files cannot be used, in a sentence for the operator that repeats nothing of the key; null when they can. */
export function problemOfTls({ cert, key, certPath, keyPath }: TlsFiles): string | null {
  if ((statSync(keyPath).mode & 0o077) !== 0)
    return `OWNKEY_GATEWAY_TLS_KEY names a file that can be read by others; run: chmod 600 ${keyPath}`;
  try {
    const certificate = new X509Certificate(cert);
    if (!certificate.checkPrivateKey(createPrivateKey(key)))
      return 'OWNKEY_GATEWAY_TLS_KEY is not the key of the certificate of OWNKEY_GATEWAY_TLS_CERT';
    if (Date.parse(certificate.validTo) <= Date.now())
      return `the certificate ${certPath} is over since ${certificate.validTo}`;
    return null;
  } catch {
    return 'OWNKEY_GATEWAY_TLS_CERT and OWNKEY_GATEWAY_TLS_KEY must be a certificate and its key in PEM, without a passphrase';
  }
}

/**
 * Takes a renewed certificate without a restart: the files are looked at every 30 s, new handshakes use what is found, running
 * connections go on. What cannot be used is said once in the log, and the old certificate stays.
 */
export function keepTlsFresh(server: HttpsServer, tls: TlsFiles, log: Logger, everyMs = RELOAD_MS): { stop(): void } {
  let current = tls;
  let refused = '';
  const look = (): void => {
    try {
      const [cert, key] = [readFileSync(tls.certPath), readFileSync(tls.keyPath)];
      if (cert.equals(current.cert) && key.equals(current.key)) return;
      const found = { ...tls, cert, key };
      const problem = problemOfTls(found);
      if (problem !== null) throw new Error(problem);
      server.setSecureContext({ cert, key, ...TLS_RULES });
      current = found;
      refused = '';
      log.info('the renewed certificate is in use', { valid_to: new X509Certificate(cert).validTo });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (why !== refused) log.warn('the certificate on disk cannot be used; the old one stays', { why });
      refused = why;
    }
  };
  const timer = setInterval(look, everyMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
