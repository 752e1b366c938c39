import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivateFile } from '../secret-file.ts';
import { mailUrlOf } from './environment.ts';
import type { Installation } from './installation.ts';

/** What the seed process prints: logins, tokens and companies of the demonstration, fresh at each start. */
export interface SeedResult {
  readonly operator: { readonly email: string; readonly password: string; readonly api_token: string };
  readonly companies: readonly SeededCompany[];
  readonly mail_url?: string;
}

export interface SeededCompany {
  readonly id: string;
  readonly name: string;
  readonly plan: string;
  readonly admin: { readonly email: string; readonly password: string };
  readonly gateway_token: string;
  readonly api_token: string;
}

export function devFilePath(dataDirectory: string): string {
  return join(dataDirectory, 'dev.json');
}

/** Removes the file, so that nobody reads the addresses of an installation that no longer runs. */
export function removeDevFile(dataDirectory: string): void {
  rmSync(devFilePath(dataDirectory), { force: true });
}

/** Writes `dev.json` by rename, mode 0600: a reader finds it complete or not at all. */
export function writeDevFile(dataDirectory: string, installation: Installation, seed: SeedResult): void {
  const sandboxUrl = installation.sandbox?.url ?? null;
  const content = {
    console_url: installation.consoleUrl,
    gateway_url: installation.gatewayUrl,
    pids: installation.pids(),
    operator: seed.operator,
    companies: seed.companies,
    sandbox: {
      url: sandboxUrl,
      providers: installation.sandbox?.providers ?? {},
    },
    mail_url: seed.mail_url ?? (sandboxUrl === null ? null : mailUrlOf(sandboxUrl)),
  };
  writePrivateFile(devFilePath(dataDirectory), `${JSON.stringify(content, null, 2)}\n`);
}
