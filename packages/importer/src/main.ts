/**
 * The process of `ownkey import`: behind the worker's walls, because it holds the master key, the source key and, one after the
 * other, the imported keys. The export comes on descriptor 0 and the source key on 3; it opens no file of either, connects to
 * Postgres alone, and writes the report to descriptor 1.
 */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { IMPORT_EXIT, type ImportOrder, readImportOrder } from '@ownkey/contract/import-order';
import { createLogger } from '@ownkey/guard/log';
import { createScrubber, type Scrubber } from '@ownkey/guard/scrub';
import { loadCatalogue } from '@ownkey/providers/catalogue';
import { readConfig, type WorkerConfig } from '@ownkey/worker/config';
import { createPool, sqlOf } from '@ownkey/worker/database';
import { checkMasterKeys } from '@ownkey/worker/kek/check';
import { KekKeeper } from '@ownkey/worker/kek/keeper';
import { loaderOf, openKekRing } from '@ownkey/worker/kek/load-keks';
import { createOpenRow } from './ciphers/open-row.ts';
import { readSourceKeys, type SourceKeys } from './ciphers/source-keys.ts';
import { ImportUsageError } from './faults.ts';
import { REPORT_HEADER, summaryOf, type Totals, writeReportLine } from './report.ts';
import { hashOf, isFile, readChunks } from './rows/read-chunks.ts';
import { readRows } from './rows/read-rows.ts';
import { runImport } from './run-import.ts';
import { assertMasterKey } from './store/assert-master-key.ts';

const EXPORT_FD = 0;
const SOURCE_KEY_FD = 3;
const CATALOGUE = fileURLToPath(new URL('../../../catalogue', import.meta.url));

async function main(scrubber: Scrubber): Promise<number> {
  const order = readImportOrder(process.argv[2] ?? '');
  const config = readConfig();
  const sourceKeys = await readSourceKeys(SOURCE_KEY_FD, order.from);
  try {
    const totals = await importAll(order, config, sourceKeys, scrubber);
    process.stderr.write(`${summaryOf(totals, order.dryRun)}\n`);
    return totals.skipped === 0 ? IMPORT_EXIT.complete : IMPORT_EXIT.someSkipped;
  } finally {
    sourceKeys.erase();
  }
}

async function importAll(
  order: ImportOrder,
  config: WorkerConfig,
  sourceKeys: SourceKeys,
  scrubber: Scrubber,
): Promise<Totals> {
  const open = createOpenRow(order, sourceKeys, () => Math.floor(Date.now() / 1000));
  const importName = order.name ?? (await nameOf(EXPORT_FD));
  const kekRing = await openKekRing(config);
  const log = createLogger({ name: 'import', level: 'silent', scrubber, write: () => {} });
  const pool = createPool({ connectionString: config.databaseUrl, name: 'import', connectionsMax: 2, log });
  // A rotation waits for this process as for any worker.
  const keeper = new KekKeeper({
    sql: sqlOf(pool),
    ring: kekRing,
    workerId: `import-${process.pid}-${Date.now().toString(36)}`,
    load: loaderOf(config),
    log,
  });
  try {
    await assertMasterKey(sqlOf(pool), kekRing);
    await checkMasterKeys(pool, kekRing, config.transit === null ? 'file' : 'transit');
    await keeper.start();
    const rows = readRows(readChunks(EXPORT_FD), {
      format: order.format,
      ignored: (column) =>
        process.stderr.write(`Not looked at: the column ${scrubber.scrubText(column.slice(0, 64))}.\n`),
    });
    await print(REPORT_HEADER);
    return await runImport(
      {
        pool,
        kekRing,
        catalogue: loadCatalogue(CATALOGUE),
        policy: config.egress,
        scrubber,
        open,
        order,
        importName,
        report: (line) => print(writeReportLine(line, scrubber)),
        progress: showProgress(order.dryRun),
        refresh: () => keeper.refresh(),
      },
      rows,
    );
  } finally {
    await keeper.stop();
    await pool.end();
  }
}

/** The same file gives the same name, wherever it lies. */
async function nameOf(fd: number): Promise<string> {
  if (isFile(fd)) return `sha256:${await hashOf(fd)}`;
  throw new ImportUsageError('An export that comes through a pipe needs --name: its keys are known again by it.');
}

function showProgress(dryRun: boolean): (totals: Totals) => void {
  if (!process.stderr.isTTY) return () => {};
  return (totals) => process.stderr.write(`\r\x1b[K${summaryOf(totals, dryRun)}\r`);
}

/** Waits where the reader is slower. */
async function print(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

const scrubber = createScrubber();
main(scrubber).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const text = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${scrubber.scrubText(text)}\n`);
    if (error instanceof ImportUsageError) process.exitCode = IMPORT_EXIT.usage;
    else {
      process.stderr.write('Stopped. What was reported as stored stands; run the same command again to go on.\n');
      process.exitCode = IMPORT_EXIT.stopped;
    }
  },
);
