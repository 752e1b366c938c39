/** What the journeys of real clients share. */
import { beforeAll, expect } from 'vitest';
import { connectKey, type Product } from './product.ts';
import { mintKey } from './sandbox-keys.ts';

/** One provider that speaks each wire, and one that is translated and whose answers are repaired. */
export const ROUTES = ['anthropic', 'openai', 'gemini'] as const;

/** Connects a key that works of every one of these providers before the tests. */
export function useKeys(product: Product, providers: readonly string[] = ROUTES): void {
  beforeAll(async () => {
    for (const provider of providers) {
      const { status, body } = await connectKey(product, provider, mintKey(provider, 'valid'));
      expect({ provider, status, body }).toMatchObject({ status: 201, body: { status: 'valid' } });
    }
  });
}

export function modelOf(product: Product, provider: string): string {
  return `${provider}/${product.dev().sandbox.providers[provider]?.model}`;
}

export function tokenOf(product: Product): string {
  return product.dev().companies[0]?.gateway_token ?? '';
}

/** What a promise is rejected with; null when it is not. */
export function errorOf(promise: PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(promise).then(
    () => null,
    (thrown: unknown) => thrown,
  );
}
