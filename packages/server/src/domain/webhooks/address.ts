import { OwnkeyError } from '@ownkey/contract/errors';
import { type BaseUrl, checkBaseUrl } from '@ownkey/guard/base-url';
import type { EgressPolicy } from '@ownkey/guard/egress-policy';
import { type Lookup, resolvePinned } from '@ownkey/guard/resolve';

/** Where deliveries go: an address by the rules of base URLs, and a query beside. */
export interface WebhookAddress {
  readonly target: BaseUrl;
  /** Path with query. */
  readonly path: string;
}

const QUERY = /^[\x21\x24-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e%]*$/;

/** Checked on saving and again before every delivery. null: with a hint about the text alone, nothing about where a host leads. */
export function checkWebhookUrl(
  text: string,
  policy: EgressPolicy,
): { readonly ok: true; readonly address: WebhookAddress } | { readonly ok: false; readonly hint: string } {
  const cut = text.indexOf('?');
  const [base, query] = cut === -1 ? [text, ''] : [text.slice(0, cut), text.slice(cut + 1)];
  const checked = checkBaseUrl(base, policy);
  if (!checked.ok) return { ok: false, hint: checked.hint };
  if (!QUERY.test(query))
    return { ok: false, hint: 'There is a blank, "#" or other character in the query that has to be encoded.' };
  const { pathname } = new URL(base);
  return { ok: true, address: { target: checked.url, path: cut === -1 ? pathname : `${pathname}?${query}` } };
}

/** @throws OwnkeyError webhook.refused; whether a name is unknown or leads inside cannot be told apart */
export async function assertCallable(text: string, by: { lookup: Lookup; policy: EgressPolicy }): Promise<void> {
  const checked = checkWebhookUrl(text, by.policy);
  if (!checked.ok) throw new OwnkeyError('webhook.refused', { param: 'url', hint: checked.hint });
  const { host, port } = checked.address.target;
  try {
    await resolvePinned(host, port, by);
  } catch {
    throw new OwnkeyError('webhook.refused', { param: 'url' });
  }
}
