import type { EgressPolicy } from '@ownkey/guard/egress-policy';
import { ConnectError, trustedContext } from '@ownkey/guard/pinned-connect';
import type { Lookup } from '@ownkey/guard/resolve';
import { postPinned } from '../../platform/pinned-post.ts';
import type { Database } from '../../storage/database.ts';
import { checkWebhookUrl } from '../webhooks/address.ts';
import { signedHeaders } from '../webhooks/sign.ts';
import { findTarget } from '../webhooks/webhooks.ts';
import { SendFailure } from './failure.ts';
import type { Claimed } from './store.ts';

export interface WebhookSending {
  readonly database: Database;
  readonly authSecret: string;
  readonly policy: EgressPolicy;
  readonly lookup: Lookup;
  readonly version: string;
}

const TIMEOUT_MS = 10_000;
const secureContext = trustedContext(null);

/** One try of one delivery, and its note on the webhook. Returns the status, which is 2xx. @throws SendFailure */
export async function sendWebhook(by: WebhookSending, entry: Claimed, signal: AbortSignal): Promise<number> {
  const target = await by.database.everywhere((sql) => findTarget(sql, by.authSecret, entry.target));
  if (target === null) throw new SendFailure('the webhook was removed', { final: true });
  if (!target.enabled) throw new SendFailure('the webhook was turned off', { final: true });
  if (target.secret === null)
    throw new SendFailure('the secret does not open: OWNKEY_AUTH_SECRET was changed since', { final: true });
  const status = await post(by, target.url, target.secret, entry, signal).catch(async (error: unknown) => {
    await note(by.database, entry.target, null);
    throw error;
  });
  await note(by.database, entry.target, status);
  if (status < 200 || status > 299) throw new SendFailure(`status ${status}`, { status });
  return status;
}

async function post(
  by: WebhookSending,
  url: string,
  secret: string,
  entry: Claimed,
  signal: AbortSignal,
): Promise<number> {
  const checked = checkWebhookUrl(url, by.policy);
  if (!checked.ok) throw new SendFailure(`address: ${checked.hint}`);
  const body = JSON.stringify(entry.payload);
  const headers = {
    ...signedHeaders(secret, entry.id, body, new Date()),
    'content-type': 'application/json',
    'user-agent': `Ownkey/${by.version}`,
  };
  const { target, path } = checked.address;
  try {
    return await postPinned({ target, path, headers, body }, { ...by, secureContext, timeoutMs: TIMEOUT_MS, signal });
  } catch (error) {
    if (error instanceof ConnectError) throw new SendFailure(error.message);
    throw error;
  }
}

function note(database: Database, id: string, status: number | null): Promise<unknown> {
  return database.everywhere((sql) =>
    sql.rows(
      `UPDATE webhooks SET last_tried_at = now(), last_status = $2,
         last_delivered_at = CASE WHEN $2 BETWEEN 200 AND 299 THEN now() ELSE last_delivered_at END WHERE id = $1`,
      [id, status],
    ),
  );
}
