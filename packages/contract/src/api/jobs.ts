import { z } from 'zod';
import { problem, time } from './common.ts';
import { jobStep, keyTested } from './keys.ts';

/** Work the isolated worker does for the control plane, as far as it has come. */
export const job = z.object({
  id: z.string(),
  kind: z.string(),
  state: z.enum(['queued', 'running', 'done', 'failed']),
  key_id: z.string().nullable(),
  steps: z.array(jobStep),
  /** What the route itself would have answered: of connect, test, replace. */
  result: keyTested.nullable(),
  /** Facts of jobs that are not about a key. */
  outcome: z.record(z.string(), z.unknown()).nullable(),
  error: problem.extend({ request_id: z.string() }).nullable(),
  created_at: time,
  finished_at: time.nullable(),
});
export type Job = z.infer<typeof job>;
export const jobAccepted = z.object({ job });
