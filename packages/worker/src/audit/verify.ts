/** Checks the audit of companies against its chain, and the calls against the audit. Reads only. */
import type { JobResults } from '@ownkey/contract/jobs';
import type { KekRing } from '@ownkey/vault/kek';
import type { Sql } from '../access/load.ts';
import { CHAIN_START, checkCheckpoint, checkHead, linkHash } from './chain-hash.ts';

/** `broken` names the first event at fault; for a call without one, its request. */
export type AuditReport = JobResults['audit.verify'];
type Broken = NonNullable<AuditReport['broken']>;

const PAGE = 1_000;

/** Companies that have events or a chain; '' = the installation. */
export async function listAudited(sql: Sql): Promise<string[]> {
  const { rows } = await sql.query<{ company: string }>(
    `SELECT company_id AS company FROM audit_heads
     WHERE company_id = '' OR EXISTS (SELECT 1 FROM companies c WHERE c.id = audit_heads.company_id)
     UNION SELECT id FROM companies UNION SELECT '' ORDER BY company`,
    [],
  );
  return rows.map((row) => row.company);
}

/**
 * Recomputes the whole chain of a company from its events: one that was changed, removed, put in afterwards or put in another order
 * is found, and so is a chain cut off at its end (its head cannot be made without the master key). Settled calls must read as
 * their last event says. What was written in the last seconds is not sealed yet and not covered.
 */
export async function verifyCompany(sql: Sql, ring: KekRing, company: string): Promise<AuditReport> {
  for (let start = await readStart(sql, company); ; ) {
    const report = await verifyFrom(sql, ring, company, start);
    const after = await readStart(sql, company);
    // Shortened meanwhile: what was missing had been removed by right.
    if (report.broken === null || after.day === start.day) return report;
    start = after;
  }
}

async function verifyFrom(sql: Sql, ring: KekRing, company: string, start: Start): Promise<AuditReport> {
  const chain = await checkChain(sql, ring, company, start);
  const broken =
    chain.broken ??
    (await findUnsealed(sql, company)) ??
    (await findChangedCall(sql, company, start.day)) ??
    (company === '' ? await findMissingRecord(sql) : null);
  const begins = start.day === null ? {} : { begins_on: start.day };
  return { checked: chain.checked, sealed_up_to: chain.sealedUpTo, broken, ...begins };
}

/** Where the record begins: at its first entry, or at the checkpoint it was shortened to. */
interface Start {
  n: bigint;
  hash: Buffer;
  /** Calls of days before it are not there any more. */
  day: string | null;
  mac: Buffer;
  kek_id: string;
}

async function readStart(sql: Sql, company: string): Promise<Start> {
  const { rows } = await sql.query<{ n: string; hash: Buffer; day: string; mac: Buffer; kek_id: string }>(
    `SELECT n::text, hash, day::text, mac, kek_id FROM audit_checkpoints
     WHERE company_id = $1 AND cut_at IS NOT NULL ORDER BY day DESC LIMIT 1`,
    [company],
  );
  const [row] = rows;
  if (!row) return { n: 0n, hash: CHAIN_START, day: null, mac: CHAIN_START, kek_id: '' };
  return { ...row, n: BigInt(row.n) };
}

function problemOfStart(ring: KekRing, company: string, { n, hash, day, mac, kek_id }: Start): Broken | null {
  if (day === null) return null;
  const found = checkCheckpoint(ring, { company, day, n: n.toString(), hash, mac, kek_id });
  if (found === 'right') return null;
  const problem =
    found === 'unknown'
      ? `the checkpoint the record begins at was made with the master key ${kek_id}, which is not loaded`
      : 'the checkpoint the record begins at is not authentic';
  return { company, event_id: '', problem };
}

interface Link {
  n: string;
  event_id: string;
  hash: Buffer;
  text: string | null;
  at: Date | null;
}

interface Head {
  n: string;
  hash: Buffer;
  mac: Buffer;
  kek_id: string;
  /** Number of the last entry there is, at the same moment. */
  last: string | null;
}

async function checkChain(sql: Sql, ring: KekRing, company: string, start: Start) {
  // The head first: what is sealed while this runs lies behind it and is the next check's.
  const head = await readHead(sql, company);
  const end = BigInt(head?.n ?? 0);
  let { hash, n } = start;
  let last: Link | null = null;
  const report = (broken: Broken | null) => ({
    checked: Number(n - start.n),
    sealedUpTo: last?.at?.toISOString() ?? null,
    broken,
  });
  const wrongStart = problemOfStart(ring, company, start);
  if (wrongStart) return report(wrongStart);
  for (;;) {
    const { rows } = await sql.query<Link>(
      `SELECT c.n::text, c.event_id, c.hash, e.at, CASE WHEN e.id IS NOT NULL THEN audit_text(e) END AS text
       FROM audit_chain c LEFT JOIN audit_events e ON e.id = c.event_id
       WHERE c.company_id = $1 AND c.n > $2 AND c.n <= $3 ORDER BY c.n LIMIT $4`,
      [company, n.toString(), end.toString(), PAGE],
    );
    for (const link of rows) {
      const fail = (problem: string) => report({ company, event_id: link.event_id, problem });
      if (BigInt(link.n) !== n + 1n) return fail(`entry ${n + 1n} before it is missing from the chain`);
      if (link.text === null) return fail('the event was removed');
      const expected = linkHash(hash, link.text);
      if (!expected.equals(link.hash)) return fail('the event was changed, or its entry in the chain');
      n += 1n;
      hash = expected;
      last = link;
    }
    if (rows.length < PAGE) break;
  }
  return report(problemOfEnd(ring, head, { company, n, hash, last }));
}

async function readHead(sql: Sql, company: string): Promise<Head | null> {
  const { rows } = await sql.query<Omit<Head, 'n'> & { n: string | null }>(
    `SELECT h.n::text, h.hash, h.mac, h.kek_id, l.last::text
     FROM (SELECT max(n) AS last FROM audit_chain WHERE company_id = $1) l LEFT JOIN audit_heads h ON h.company_id = $1`,
    [company],
  );
  const [row] = rows;
  if (!row || (row.n === null && row.last === null)) return null;
  return { ...row, n: row.n ?? '0' };
}

function problemOfEnd(
  ring: KekRing,
  head: Head | null,
  end: { company: string; n: bigint; hash: Buffer; last: Link | null },
): Broken | null {
  const { company, n, hash, last } = end;
  const at = (problem: string): Broken => ({ company, event_id: last?.event_id ?? '', problem });
  if (head === null) return n === 0n ? null : at('the head of the chain is missing');
  if (head.n === '0') return at('the head of the chain is missing');
  const mac = checkHead(ring, { company, ...head });
  if (mac === 'unknown') return at(`the head was made with the master key ${head.kek_id}, which is not loaded`);
  if (mac === 'wrong') return at('the head of the chain is not authentic');
  if (BigInt(head.n) > n) return at(`${BigInt(head.n) - n} entries after it are missing from the chain`);
  return head.n === (head.last ?? n.toString()) && head.hash.equals(hash)
    ? null
    : at('the chain goes on behind its head');
}

/** An event below the sealer's line that is in no chain was put in afterwards, or its entry was taken out. */
async function findUnsealed(sql: Sql, company: string): Promise<Broken | null> {
  const { rows } = await sql.query<{ id: string }>(
    `SELECT e.id FROM audit_events e CROSS JOIN audit_sealer s
     LEFT JOIN audit_chain c ON c.event_id = e.id AND c.company_id = $1
     WHERE e.company_id IS NOT DISTINCT FROM nullif($1, '') AND (e.xid, e.seq) <= (s.xid, s.seq) AND c.event_id IS NULL
     ORDER BY e.seq LIMIT 1`,
    [company],
  );
  const [found] = rows;
  return found
    ? { company, event_id: found.id, problem: 'the event is not in the chain: it was put in afterwards' }
    : null;
}

/** A company that the installation's chain says was made and not erased has a chain of its own. */
async function findMissingRecord(sql: Sql): Promise<Broken | null> {
  const { rows } = await sql.query<{ id: string; of: string }>(
    `SELECT e.id, e.data ->> 'company' AS of FROM audit_events e CROSS JOIN audit_sealer s
     WHERE e.company_id IS NULL AND e.kind = 'company.created' AND (e.xid, e.seq) <= (s.xid, s.seq)
       AND NOT EXISTS (SELECT 1 FROM audit_heads h WHERE h.company_id = e.data ->> 'company')
       AND NOT EXISTS (SELECT 1 FROM audit_events x WHERE x.company_id IS NULL AND x.kind = 'company.erased'
                       AND x.data ->> 'company' = e.data ->> 'company')
     ORDER BY e.seq LIMIT 1`,
    [],
  );
  const [found] = rows;
  return found
    ? { company: '', event_id: found.id, problem: `the whole record of ${found.of}, which this event made, is missing` }
    : null;
}

/** The facts that settle() writes into the event, each as text. A call that expired and was settled later has two events. */
const FACTS =
  `state http_status error_code model key_source input_tokens cached_tokens output_tokens cost_nano_usd cost_basis
  latency_ms ttfb_ms`.split(/\s+/);

async function findChangedCall(sql: Sql, company: string, from: string | null): Promise<Broken | null> {
  const differs = FACTS.map((fact) => `e.data ->> '${fact}' IS DISTINCT FROM r.${fact}::text`).join(' OR ');
  const { rows } = await sql.query<{ request: string; event: string | null; gone: boolean }>(
    `SELECT coalesce(r.id, e.request_id) AS request, e.id AS event, r.id IS NULL AS gone
     FROM (SELECT * FROM requests WHERE company_id IS NOT DISTINCT FROM nullif($1, '') AND state <> 'reserved'
             AND ($2::date IS NULL OR day >= $2)) r
     FULL JOIN (SELECT DISTINCT ON (request_id) * FROM audit_events
                WHERE company_id IS NOT DISTINCT FROM nullif($1, '') AND kind LIKE '%.settled' AND request_id IS NOT NULL
                  AND ($2::date IS NULL OR request_day >= $2)
                ORDER BY request_id, seq DESC) e ON e.request_id = r.id AND e.request_day = r.day
     WHERE r.id IS NULL OR e.id IS NULL OR e.key_id IS DISTINCT FROM r.key_id OR e.user_id IS DISTINCT FROM r.user_id
       OR e.provider IS DISTINCT FROM r.slug OR e.last4 IS DISTINCT FROM r.last4 OR ${differs}
     ORDER BY coalesce(r.created_at, e.at) LIMIT 1`,
    [company, from],
  );
  const [found] = rows;
  if (!found) return null;
  const event_id = found.event ?? found.request;
  if (found.gone) return { company, event_id, problem: `the call ${found.request} was removed` };
  if (found.event === null) return { company, event_id, problem: `the call ${found.request} has no event of its end` };
  return { company, event_id, problem: `the call ${found.request} was changed: it does not read as this event says` };
}
