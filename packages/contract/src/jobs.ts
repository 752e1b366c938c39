import type { ErrorCode } from './errors.ts';
import type { KeyOwner, KeyPermissions, KeyStatus, StatusDetail } from './key.ts';

/** One step of a running key test, shown live. `text` is scrubbed. */
export interface JobStep {
  step: 'open' | 'shape' | 'list' | 'generate' | 'store';
  state: 'running' | 'done' | 'skipped' | 'failed';
  ms?: number;
  detail?: { models?: number; http_status?: number; provider_message?: string; code?: string };
}

/** Payloads of worker jobs by kind. Sealed keys travel in the row's `sealed` column, never in the payload. */
export interface JobPayloads {
  'key.connect': {
    key_id: string;
    owner: KeyOwner;
    user_id: string | null;
    provider: string;
    slug: string | null;
    preset: string | null;
    base_url: string | null;
    label: string;
    /** false = test only, store nothing. */
    save: boolean;
    /** true = store even when the provider rejects the key. */
    keep: boolean;
    on_failure: 'stop' | 'platform' | null;
    keyless: boolean;
  };
  'key.replace': { key_id: string; keep: boolean };
  'key.test': { key_id: string };
  'models.refresh': { key_id: string };
  'audit.verify': Record<string, never>;
}
export type JobKind = keyof JobPayloads;

/** What a probe found; `provider_message` is the provider's own words, scrubbed. */
export interface ProbeResult {
  status: KeyStatus;
  status_detail: StatusDetail | null;
  latency_ms: number | null;
  permissions: KeyPermissions;
  models_count: number | null;
}

export interface JobResults {
  /** `key_id` is null when nothing was stored. */
  'key.connect': { key_id: string | null; last4: string | null; probe: ProbeResult };
  'key.replace': { key_id: string; swapped: boolean; version: number; last4: string | null; probe: ProbeResult };
  'key.test': { key_id: string; probe: ProbeResult };
  'models.refresh': { key_id: string; models_count: number | null };
  'audit.verify': {
    checked: number;
    sealed_up_to: string | null;
    broken: { company: string; event_id: string; problem: string } | null;
    /** `YYYY-MM-DD`, where the retention removed what is from before this day. */
    begins_on?: string;
  };
}

/** How a failed job is reported: a code of the error table and its facts. */
export interface JobFailure {
  code: ErrorCode;
  facts: Record<string, string | number | null>;
  /** Present when a key was rejected: what the probe saw. */
  probe?: ProbeResult;
}
