import type { Settings } from '../settings.ts';
import { removeDevFile, type SeedResult, writeDevFile } from '../supervisor/dev-file.ts';
import type { Installation } from '../supervisor/installation.ts';
import { createMasterKey } from '../supervisor/master-key.ts';
import { programPath } from '../supervisor/programs.ts';
import { runSeed } from '../supervisor/seed.ts';
import { type Command, isRoot } from './command.ts';
import { holdInstallation } from './hold.ts';

export const dev: Command = {
  summary: 'Run everything for development: database, sandbox, both planes, demo companies.',
  help: `Usage: ownkey dev

Starts an embedded PostgreSQL (or uses OWNKEY_CONTROL_DATABASE_URL and OWNKEY_WORKER_DATABASE_URL), the sandbox
with simulated providers, the worker and the server, fills in demo companies and prints their logins. Addresses,
logins and sandbox keys are also written to dev.json in the data folder (OWNKEY_DATA_DIR, default .ownkey).
Ctrl-C stops everything in order.`,
  run: async ({ settings: read, say }) => {
    const settings = read();
    if (isRoot()) say('Note: running as root. That is fine for trying Ownkey; run it as an ordinary user otherwise.');
    let seed: SeedResult | null = null;
    return holdInstallation({
      command: 'dev',
      mode: 'development',
      settings,
      say,
      prepare: () => {
        removeDevFile(settings.dataDirectory);
        if (createMasterKey(settings.kekFile)) say(`Made a master key: ${settings.kekFile}`);
      },
      started: async (installation, aborted) => {
        say('Filling in the demo companies…');
        seed = await seedDemo(settings, installation);
        aborted.throwIfAborted();
        writeDevFile(settings.dataDirectory, installation, seed);
        for (const line of welcome(settings, installation, seed)) say(line);
      },
      changed: (installation) => {
        if (seed !== null) writeDevFile(settings.dataDirectory, installation, seed);
      },
      stopping: () => removeDevFile(settings.dataDirectory),
    });
  },
};

async function seedDemo(settings: Settings, installation: Installation): Promise<SeedResult> {
  const result = await runSeed(
    programPath('seedDev'),
    settings,
    installation.databases.controlUrl(),
    {
      OWNKEY_CONSOLE_URL: installation.consoleUrl,
      OWNKEY_GATEWAY_URL: installation.gatewayUrl,
      OWNKEY_MODE: 'development',
    },
    {
      console_url: installation.consoleUrl,
      gateway_url: installation.gatewayUrl,
      sandbox: {
        url: installation.sandbox?.url,
        providers: installation.sandbox?.providers,
        prices: installation.sandbox?.prices,
      },
    },
  );
  if (!isSeedResult(result)) throw new Error('The seed did not print operator and companies');
  return result;
}

function isSeedResult(value: unknown): value is SeedResult {
  return (
    typeof value === 'object' &&
    value !== null &&
    'operator' in value &&
    'companies' in value &&
    Array.isArray(value.companies)
  );
}

function welcome(settings: Settings, installation: Installation, seed: SeedResult): string[] {
  const company = seed.companies[0];
  const [provider, facts] = Object.entries(installation.sandbox?.providers ?? {})[0] ?? [];
  const lines = [
    '',
    `Ownkey is running.`,
    `  Console       ${installation.consoleUrl}`,
    `  Gateway       ${installation.gatewayUrl}`,
    `  Vault         ${installation.fingerprint ?? ''}`,
    `  Sandbox keys  ${installation.sandbox?.url ?? ''}/`,
  ];
  if (company !== undefined) {
    lines.push(
      `  Sign in       ${company.admin.email}   password ${company.admin.password}   (${company.name})`,
      `  Operator      ${seed.operator.email}   password ${seed.operator.password}`,
    );
    if (provider !== undefined && facts !== undefined) {
      lines.push(
        '',
        'Connect a key from the sandbox page in the console, then try the gateway:',
        '',
        `curl ${installation.gatewayUrl}/v1/chat/completions \\`,
        `  -H 'authorization: Bearer ${company.gateway_token}' -H 'content-type: application/json' \\`,
        `  -d '{"model":"${provider}/${facts.model}","stream":true,"messages":[{"role":"user","content":"Hello"}]}'`,
      );
    }
  }
  lines.push(
    '',
    `Everything above is also in ${settings.dataDirectory}/dev.json; logs are in ${settings.dataDirectory}/logs. Ctrl-C stops.`,
  );
  return lines;
}
