import { z } from 'zod';

/** A schema of a request or answer, for code that does not import zod. */
export type Schema = z.ZodType;

/** Shapes that every resource uses. Field names are snake_case; times are ISO 8601 in UTC; amounts are decimal strings of USD. */

export const time = z.string().describe('ISO 8601, UTC');
export const usd = z.string().describe('Decimal string of USD, exact');
/** Amounts come in as a decimal string or a number; numbers are rounded down to nano-USD. */
export const usdIn = z.union([z.string().regex(/^\d{1,12}(\.\d{0,30})?$/), z.number().nonnegative().max(1e11)]);

/** An id of ours or an `external_id` of the host. */
export const reference = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}\p{Cs}/]+$/u, 'must not contain control characters or a slash');
export const text = (max: number, min = 0) =>
  z
    .string()
    .min(min)
    .max(max)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not contain control characters');

export const email = z.email().max(254);
export const cursor = z
  .string()
  .max(1000)
  .regex(/^[A-Za-z0-9_-]+$/);
export const pageQuery = z.object({
  cursor: cursor.optional().describe('`next_cursor` of the page before'),
  limit: z.coerce.number().int().min(1).max(500).optional(),
});

/** Every list: `{ data, next_cursor }`; null = this was the last page. */
export function listOf<T extends z.ZodType>(item: T) {
  return z.object({ data: z.array(item), next_cursor: z.string().nullable() });
}

/** RFC 9457 problem with our `code`; facts of the code stand beside it. */
export const problem = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: z.string(),
  request_id: z
    .string()
    .optional()
    .describe('Absent from `not_found`, which says nothing that differs; the header has it'),
});
export type Problem = z.infer<typeof problem>;

export const nothing = z.null().describe('No body');
export const idParams = z.object({ id: z.string().min(1).max(200) });

/** Headers any route may get. All optional. */
export const writeHeaders = z.looseObject({
  'if-match': z.string().max(200).optional().describe('ETag of the state the change was made on'),
});
export const jobHeaders = writeHeaders.extend({
  'idempotency-key': z.string().min(1).max(200).optional(),
  prefer: z.string().max(200).optional().describe('`respond-async` answers 202 at once'),
});
