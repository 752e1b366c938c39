import type { Job } from '@ownkey/contract/api/jobs';
import type { KeyTested } from '@ownkey/contract/api/keys';
import { problemBody } from '@ownkey/contract/error-shapes';
import { ERRORS, type ErrorCode, OwnkeyError } from '@ownkey/contract/errors';
import type { JobFailure, JobPayloads, JobStep, ProbeResult } from '@ownkey/contract/jobs';
import { catalogueDestination } from '@ownkey/contract/key';
import { type KeyRow, type KeyView, keyView } from '@ownkey/contract/key-view';
import type { Catalogue } from '@ownkey/providers/catalogue';
import { maskOf } from '@ownkey/vault/shape';
import type { JobRow } from '../jobs/jobs.ts';

/** A job that failed, as the error the route answers: its code, facts, and what the test saw. */
export function failureOf(row: JobRow): {
  code: ErrorCode;
  facts: JobFailure['facts'];
  members: Record<string, unknown>;
} {
  const failure = isFailure(row.result) ? row.result : null;
  const code = failure?.code ?? (isErrorCode(row.error_code) ? row.error_code : 'internal');
  const members = { steps: row.steps, ...(failure?.probe === undefined ? {} : { probe: failure.probe }) };
  return { code, facts: failure?.facts ?? {}, members };
}

/** The answer to a finished connect, test or replace. `key` is the row as it now is; null = nothing is stored. */
export function testedOf(row: JobRow, key: KeyView | null, catalogue: Catalogue): KeyTested {
  if (row.state !== 'done') throw new OwnkeyError('internal', {}, 'job has no result');
  if (key !== null) return { ...key, stored: isStored(row), steps: row.steps };
  if (row.kind !== 'key.connect' || isFailure(row.result) || row.result === null) throw new OwnkeyError('not_found');
  return unstored(row.payload, row.result.last4, row.result.probe, row.created_at, row.steps, catalogue);
}

function isStored(row: JobRow): boolean {
  if (row.result === null || isFailure(row.result)) return false;
  if (row.kind === 'key.connect') return row.result.key_id !== null;
  return row.kind === 'key.replace' && row.result.swapped;
}

/** What a test without storing found, in the form of a key. */
function unstored(
  payload: JobPayloads['key.connect'],
  last4: string | null,
  probe: ProbeResult,
  at: Date,
  steps: JobStep[],
  catalogue: Catalogue,
): KeyTested {
  const shape = catalogue.entries.get(payload.provider)?.key ?? null;
  const destination =
    payload.base_url === null ? catalogueDestination(payload.provider) : new URL(payload.base_url).origin;
  const row: KeyRow = {
    id: '',
    owner: payload.owner,
    user_id: payload.user_id,
    provider: payload.provider,
    slug: payload.slug,
    preset: payload.preset,
    base_url: payload.base_url,
    destination,
    keyless: payload.keyless,
    label: payload.label,
    mask: payload.keyless ? '' : maskOf(shape, last4),
    last4,
    enabled: false,
    position: 0,
    allowed_models: null,
    allowed_users: null,
    zero_retention: false,
    ...probe,
    version: 1,
    row_version: '0',
    changed_by: null,
    created_by: null,
    created_at: at,
    changed_at: at,
    tested_at: at,
    last_used_at: null,
    requests_handled: '0',
  };
  return { ...keyView(row), id: null, stored: false, steps };
}

/** A job as `/api/jobs/{id}` shows it. */
export function jobView(row: JobRow, key: KeyView | null, catalogue: Catalogue): Job {
  const failed = row.state === 'failed' ? failureOf(row) : null;
  const aboutKey = row.kind === 'key.connect' || row.kind === 'key.test' || row.kind === 'key.replace';
  const hasAnswer = row.state === 'done' && aboutKey && (key !== null || row.kind === 'key.connect');
  return {
    id: row.id,
    kind: row.kind,
    state: row.state,
    key_id: 'key_id' in row.payload ? row.payload.key_id : null,
    steps: row.steps,
    result: hasAnswer ? testedOf(row, key, catalogue) : null,
    outcome: row.state === 'done' && !aboutKey && row.result !== null ? { ...row.result } : null,
    error: failed === null ? null : asProblem(failed.code, failed.facts, failed.members, row.id),
    created_at: row.created_at.toISOString(),
    finished_at: row.finished_at?.toISOString() ?? null,
  };
}

function asProblem(
  code: ErrorCode,
  facts: JobFailure['facts'],
  members: Record<string, unknown>,
  id: string,
): NonNullable<Job['error']> {
  const { type, title, status, detail, request_id, ...others } = problemBody(code, facts, id);
  return {
    ...others,
    ...members,
    type: String(type),
    title: String(title),
    status: Number(status),
    detail: String(detail),
    code,
    request_id: String(request_id),
  };
}

function isFailure(result: JobRow['result']): result is JobFailure {
  return result !== null && 'code' in result && 'facts' in result;
}

function isErrorCode(code: string | null): code is ErrorCode {
  return code !== null && Object.hasOwn(ERRORS, code);
}
