import type { AuditVerified } from '@ownkey/contract/api/audit';
import { OwnkeyError } from '@ownkey/contract/errors';
import type { Database } from '../../storage/database.ts';
import type { JobSignals } from '../../storage/job-signals.ts';
import { awaitJob, orderJob } from '../jobs/jobs.ts';

/** Has a worker check the company's chain: it alone holds the key its head is authenticated with. @throws OwnkeyError worker.unavailable */
export async function verifyAudit(
  database: Database,
  signals: JobSignals,
  companyId: string,
  actor: string,
  gone: AbortSignal,
): Promise<AuditVerified> {
  const id = await database.tenant(companyId, (sql) =>
    orderJob(sql, { kind: 'audit.verify', companyId, payload: {}, sealed: null, actor, idempotencyKey: null }),
  );
  const row = await awaitJob(database, signals, companyId, id, gone);
  if (row.kind !== 'audit.verify' || row.state !== 'done' || row.result === null || !('checked' in row.result))
    throw new OwnkeyError('worker.unavailable', {}, 'the check did not end');
  const { checked, sealed_up_to, broken, begins_on } = row.result;
  const found = broken === null ? null : { event_id: broken.event_id, problem: broken.problem };
  return { checked, sealed_up_to, unbroken: broken === null, broken: found, ...(begins_on && { begins_on }) };
}
