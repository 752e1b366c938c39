import { fileURLToPath } from 'node:url';

/** Settings of the sandbox process; the only place that reads its environment. */
export interface SandboxConfig {
  port: number;
  host: string;
  catalogueDir: string;
}

const DEFAULT_PORT = 8422;

/** Reads the settings. Throws with every problem in one message. */
export function readConfig(environment: Readonly<Record<string, string | undefined>> = process.env): SandboxConfig {
  const problems: string[] = [];
  const port = environment.OWNKEY_SANDBOX_PORT ?? String(DEFAULT_PORT);
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    problems.push('OWNKEY_SANDBOX_PORT has to be a port number, or 0 for any free one.');
  const host = environment.OWNKEY_HOST ?? '127.0.0.1';
  if (host.trim() === '') problems.push('OWNKEY_HOST must not be empty.');
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return {
    port: Number(port),
    host,
    catalogueDir: fileURLToPath(new URL('../../../catalogue/providers', import.meta.url)),
  };
}
