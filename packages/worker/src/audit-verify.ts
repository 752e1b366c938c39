/** `ownkey audit verify`: a process of its own behind the worker's walls, because the check needs the master key. */

import { createLogger } from '@ownkey/guard/log';
import { createScrubber } from '@ownkey/guard/scrub';
import { scrubForms } from '@ownkey/guard/scrub-facts';
import type { KekRing } from '@ownkey/vault/kek';
import { listAudited, verifyCompany } from './audit/verify.ts';
import { ConfigError, readConfig } from './config.ts';
import { createPool, sqlOf } from './database.ts';
import { openKekRing } from './kek/load-keks.ts';

/** Checks every company and prints one line each. Resolves to the exit code: 0 unchanged, 1 something is broken. */
export async function verifyAll(databaseUrl: string, ring: KekRing, say: (line: string) => void): Promise<number> {
  const log = createLogger({ name: 'audit', level: 'silent', scrubber: createScrubber(), write: () => {} });
  const pool = createPool({ connectionString: databaseUrl, name: 'audit', connectionsMax: 1, log });
  try {
    const sql = sqlOf(pool);
    let broken = 0;
    for (const company of await listAudited(sql)) {
      const report = await verifyCompany(sql, ring, company);
      const who = company === '' ? 'installation' : company;
      const upTo = report.sealed_up_to === null ? '' : `, sealed up to ${report.sealed_up_to}`;
      const begins =
        report.begins_on === undefined ? '' : `, begins on ${report.begins_on} (older entries were removed)`;
      if (report.broken) {
        broken++;
        say(
          `BROKEN  ${who}: event ${report.broken.event_id}: ${report.broken.problem} (${report.checked} before it are right)`,
        );
      } else say(`ok      ${who}: ${report.checked} events${upTo}${begins}`);
    }
    say(broken === 0 ? 'The audit is unchanged.' : `The audit of ${broken} was changed.`);
    return broken === 0 ? 0 : 1;
  } finally {
    await pool.end();
  }
}

async function main(): Promise<number> {
  const config = readConfig();
  const ring = await openKekRing(config);
  return verifyAll(config.databaseUrl, ring, (line) => process.stdout.write(`${line}\n`));
}

if (import.meta.filename === process.argv[1]) {
  main().then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      const text = error instanceof ConfigError || error instanceof Error ? error.message : String(error);
      process.stderr.write(`${scrubForms(text)}\n`);
      process.exitCode = 2;
    },
  );
}
