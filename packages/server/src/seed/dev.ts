import { fileURLToPath } from 'node:url';
import { loadCatalogue } from '@ownkey/providers/catalogue';
import { buildPrices } from '../domain/prices/build-prices.ts';
import { readSandboxPrices, seedSandboxPrices } from '../domain/prices/sandbox.ts';
import { seedPrices } from '../domain/prices/seed.ts';
import { writeDemoAccounts } from '../domain/sign-in/demo-accounts.ts';
import { openDatabase } from '../storage/database.ts';
import { seedDemo } from './demo.ts';
import { type SandboxKeys, seedPlatformKeys } from './platform-keys.ts';
import { memberOf, runSeedProcess } from './process.ts';

const CATALOGUE = fileURLToPath(new URL('../../../../catalogue', import.meta.url));

/**
 * `ownkey dev`: prices, demo companies with fresh passwords and tokens, and shared keys for every provider of the sandbox. Input:
 * `{console_url, gateway_url, sandbox: {url, providers: {<id>: {keys: {valid}}}, prices}}`. Safe to run again on kept data.
 */
await runSeedProcess(async (input, controlUrl) => {
  const database = openDatabase(controlUrl, 2);
  try {
    await seedPrices(database, { origin: 'catalogue', prices: buildPrices(CATALOGUE, loadCatalogue(CATALOGUE)) });
    await seedSandboxPrices(database, readSandboxPrices(memberOf(memberOf(input, 'sandbox'), 'prices')));
    const output = await database.everywhere(async (sql) => {
      const seeded = await seedDemo(sql);
      await writeDemoAccounts(sql, [
        ...seeded.companies.map(({ name, admin }) => ({ label: `${name}, admin`, ...admin })),
        { label: 'Operator', email: seeded.operator.email, password: seeded.operator.password },
      ]);
      return seeded;
    });
    await seedPlatformKeys(database, readSandboxKeys(input));
    return output;
  } finally {
    await database.close();
  }
});

function readSandboxKeys(input: unknown): SandboxKeys {
  const providers = memberOf(memberOf(input, 'sandbox'), 'providers');
  const keys = new Map<string, string>();
  if (typeof providers !== 'object' || providers === null) return keys;
  for (const [id, facts] of Object.entries(providers)) {
    const valid = memberOf(memberOf(facts, 'keys'), 'valid');
    if (typeof valid === 'string') keys.set(id, valid);
  }
  return keys;
}
