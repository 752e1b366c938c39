/** The import itself: rows in batches, each planned, opened, wrapped and stored before the next is read. */
import type { ImportOrder } from '@ownkey/contract/import-order';
import type { EgressPolicy } from '@ownkey/guard/egress-policy';
import type { Scrubber } from '@ownkey/guard/scrub';
import type { Catalogue } from '@ownkey/providers/catalogue';
import type { KekRing } from '@ownkey/vault/kek';
import { inTransaction } from '@ownkey/worker/keys/transaction';
import type { Pool } from 'pg';
import type { OpenRow } from './ciphers/open-row.ts';
import { RowFault } from './faults.ts';
import { noTotals, type ReportLine, type RowResult, type Totals } from './report.ts';
import type { Row } from './rows/read-rows.ts';
import { findCompanies, findEarlier, findTakenSlugs, findUsers, slugName, userName } from './store/look-up.ts';
import { type PlannedKey, planRow } from './store/plan-row.ts';
import { BatchConflict, storeBatch } from './store/store-batch.ts';
import { type WrappedKey, wrapOpened } from './store/wrap-opened.ts';

export interface ImportParts {
  readonly pool: Pool;
  readonly kekRing: KekRing;
  readonly catalogue: Catalogue;
  readonly policy: EgressPolicy;
  readonly scrubber: Scrubber;
  readonly open: OpenRow;
  readonly order: ImportOrder;
  /** What all its key ids are derived from. */
  readonly importName: string;
  /** Told every row once, in order, after what it says is committed. */
  readonly report: (line: ReportLine) => void | Promise<void>;
  readonly progress: (totals: Totals) => void;
  /** Before a batch is tried again: the master key may have been replaced. */
  readonly refresh: () => Promise<void>;
}

const BATCH_ROWS = 200;
/** Of text in the rows of a batch. */
const BATCH_CHARACTERS = 2_097_152;
const ATTEMPTS = 5;

/**
 * Imports `rows`. What a killed run has stored, the next finds stored. Holds one batch in memory.
 * @throws OwnkeyError ledger.unavailable: everything reported until then stands
 */
export async function runImport(parts: ImportParts, rows: AsyncIterable<Row>): Promise<Totals> {
  const totals = noTotals();
  let batch: Row[] = [];
  let characters = 0;
  const flush = async (): Promise<void> => {
    for (const line of await importBatch(parts, batch)) {
      totals[line.result]++;
      await parts.report(line);
    }
    batch = [];
    characters = 0;
    parts.progress(totals);
  };
  for await (const row of rows) {
    batch.push(row);
    if (!(row.fields instanceof RowFault)) for (const text of row.fields.values()) characters += text.length;
    if (batch.length >= BATCH_ROWS || characters >= BATCH_CHARACTERS) await flush();
  }
  if (batch.length > 0) await flush();
  return totals;
}

/** What stands about a row: where its key is to go, or what became of it. */
interface Planned {
  readonly row: Row;
  readonly key: PlannedKey | null;
  readonly outcome:
    | { readonly result: RowResult; readonly last4: string | null; readonly reason: string }
    | RowFault
    | null;
}

async function importBatch(parts: ImportParts, rows: readonly Row[]): Promise<ReportLine[]> {
  for (let attempt = 1; ; attempt++) {
    const planned = await planBatch(parts, rows);
    const opened = planned.map((one) => openPlanned(parts, one));
    try {
      return await finishBatch(parts, planned, opened);
    } catch (error) {
      if (!(error instanceof BatchConflict) || attempt === ATTEMPTS) throw error;
      await parts.refresh();
    }
  }
}

/** Looks up everything the rows name, in one moment of the database, and applies the rules. */
async function planBatch(parts: ImportParts, rows: readonly Row[]): Promise<Planned[]> {
  const readable = rows.flatMap(({ fields }) => (fields instanceof RowFault ? [] : [fields]));
  return inTransaction(parts.pool, async (sql) => {
    await sql.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY', []);
    const companies = await findCompanies(
      sql,
      readable.map((fields) => fields.get('company') ?? ''),
    );
    const companyOf = (fields: ReadonlyMap<string, string>) => companies.get(fields.get('company') ?? '') ?? null;
    const users = await findUsers(
      sql,
      readable.flatMap((fields) => {
        const companyId = companyOf(fields)?.id;
        const name = fields.get('user');
        return companyId === undefined || name === undefined ? [] : [{ companyId, name }];
      }),
    );
    const plans = rows.map(({ fields }) => {
      if (fields instanceof RowFault) return fields;
      const company = companyOf(fields);
      const userId = company && (users.get(userName(company.id, fields.get('user') ?? '')) ?? null);
      return attempt(() => planRow(parts, fields, company, userId));
    });
    const keys = plans.flatMap((plan) => (plan instanceof RowFault ? [] : [plan]));
    const earlier = await findEarlier(
      sql,
      keys.map(({ binding }) => binding.key_id),
    );
    const slugs = await findTakenSlugs(
      sql,
      keys.flatMap(({ binding, userId, slug }) =>
        slug === null ? [] : [{ companyId: binding.company, userId, slug }],
      ),
    );
    return settleOutcomes(rows, plans, earlier, new Set(slugs));
  });
}

/** Rows whose key is there, was removed, or is wanted twice in this batch, are settled without opening them. */
function settleOutcomes(
  rows: readonly Row[],
  plans: readonly (PlannedKey | RowFault)[],
  earlier: Awaited<ReturnType<typeof findEarlier>>,
  takenSlugs: Set<string>,
): Planned[] {
  const lines = new Map<string, number>();
  return rows.map((row, i) => {
    const plan = plans[i];
    if (plan === undefined || plan instanceof RowFault) return { row, key: null, outcome: plan ?? null };
    const id = plan.binding.key_id;
    const last4 = earlier.stored.get(id);
    if (last4 !== undefined) return { row, key: plan, outcome: { result: 'already_there', last4, reason: '' } };
    if (earlier.removed.has(id)) {
      const reason = 'This import stored it before and it was removed since; it does not come back by itself.';
      return { row, key: plan, outcome: new RowFault('key.removed', reason) };
    }
    const repeats = lines.get(id);
    if (repeats !== undefined) {
      return { row, key: plan, outcome: new RowFault('row.repeated', `The same row stands in line ${repeats}.`) };
    }
    lines.set(id, row.line);
    if (plan.slug !== null) {
      const name = slugName(plan.binding.company, plan.userId, plan.slug);
      if (takenSlugs.has(name)) return { row, key: plan, outcome: slugTaken() };
      takenSlugs.add(name);
    }
    return { row, key: plan, outcome: null };
  });
}

function openPlanned(parts: ImportParts, { row, key, outcome }: Planned): WrappedKey | RowFault | null {
  const { fields } = row;
  if (outcome !== null || key === null || fields instanceof RowFault) return null;
  return attempt(() => wrapOpened(parts, parts.open(fields), key));
}

async function finishBatch(
  parts: ImportParts,
  planned: readonly Planned[],
  opened: readonly (WrappedKey | RowFault | null)[],
): Promise<ReportLine[]> {
  const { order, importName } = parts;
  const fresh = planned.flatMap(({ key }, i) => {
    const wrapped = opened[i];
    return key === null || !wrapped || wrapped instanceof RowFault ? [] : [{ key, wrapped }];
  });
  const origin = { from: order.from, importName, actor: order.actor };
  const stored = order.dryRun ? null : await storeBatch(parts.pool, fresh, origin);
  return planned.map(({ row, key, outcome }, i) => {
    const wrapped = opened[i] ?? null;
    const fault = outcome instanceof RowFault ? outcome : wrapped instanceof RowFault ? wrapped : null;
    if (fault !== null) return lineOf(row, key, { result: 'skipped', last4: null, reason: fault.message }, fault);
    if (outcome !== null && !(outcome instanceof RowFault)) return lineOf(row, key, outcome, null);
    const { last4 = null, hint = '' } = wrapped instanceof RowFault || wrapped === null ? {} : wrapped;
    if (stored === null) return lineOf(row, key, { result: 'would_store', last4, reason: hint }, null);
    if (key !== null && stored.has(key.binding.key_id)) {
      return lineOf(row, key, { result: 'stored', last4, reason: hint }, null);
    }
    // Another connection or import was quicker: it has the id, or the slug.
    return key?.slug === null
      ? lineOf(row, key, { result: 'already_there', last4, reason: '' }, null)
      : lineOf(row, key, { result: 'skipped', last4: null, reason: slugTaken().message }, slugTaken());
  });
}

function lineOf(
  { line, fields }: Row,
  key: PlannedKey | null,
  { result, last4, reason }: { result: RowResult; last4: string | null; reason: string },
  fault: RowFault | null,
): ReportLine {
  const text = (name: string): string => (fields instanceof RowFault ? '' : (fields.get(name) ?? ''));
  return {
    line,
    id: text('id'),
    company: text('company'),
    provider: text('slug') || text('provider'),
    keyId: key?.binding.key_id ?? null,
    last4,
    result,
    code: fault?.code ?? null,
    reason,
  };
}

function slugTaken(): RowFault {
  return new RowFault('slug.taken', 'The company has an endpoint of this slug already; give the row another slug.');
}

function attempt<T>(work: () => T): T | RowFault {
  try {
    return work();
  } catch (error) {
    if (error instanceof RowFault) return error;
    throw error;
  }
}
