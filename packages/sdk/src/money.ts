import type { Caps, CapsBody, CapsPreview, ESTIMATE_WIRES, Estimate, Spend } from '@ownkey/contract/api/money';
import type { Answer, CallOptions, Client } from './client.ts';

export type { Caps, CapsBody, CapsPreview, Estimate, Spend };
export type EstimateWire = (typeof ESTIMATE_WIRES)[number];

type Signal = Pick<CallOptions, 'signal'>;

/** Spend, caps and estimates of one company. Errors are those of `Client.call`. */
export interface Money {
  /**
   * What a call with this body could cost, and whether it would be blocked now. `wire` is needed for the Messages API alone, whose
   * bodies look like those of Chat Completions. Nothing is reserved.
   */
  estimate(body: Readonly<Record<string, unknown>>, options?: Signal & { wire?: EstimateWire }): Promise<Estimate>;
  spend(options?: Signal): Promise<Spend>;
  readonly caps: {
    /** With its ETag, for `ifMatch`. */
    get(options?: Signal): Promise<Answer<Caps>>;
    /** Members not named stay, null clears. With `ifMatch`, `conflict.changed` where somebody else was faster. */
    put(change: CapsBody, options?: Signal & Pick<CallOptions, 'ifMatch'>): Promise<Answer<Caps>>;
    /** What saving would do; nothing is changed. */
    preview(change: CapsBody, options?: Signal): Promise<CapsPreview>;
  };
}

export function moneyOf(client: Client): Money {
  return {
    estimate: async (body, { wire, signal } = {}) =>
      (await client.call<Estimate>('POST', '/api/estimate', { body, query: { wire }, signal })).data,
    spend: async (options = {}) => (await client.call<Spend>('GET', '/api/spend', options)).data,
    caps: {
      get: (options = {}) => client.call<Caps>('GET', '/api/caps', options),
      put: (change, options = {}) => client.call<Caps>('PUT', '/api/caps', { ...options, body: change }),
      preview: async (change, options = {}) =>
        (await client.call<CapsPreview>('POST', '/api/caps/preview', { ...options, body: change })).data,
    },
  };
}
