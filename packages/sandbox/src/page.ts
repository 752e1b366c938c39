import type { SimulatedProvider } from './provider.ts';
import type { Scenario } from './scenario.ts';
import type { SandboxKeys } from './start.ts';

export const PAGE_HEADERS = { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' };

export function renderPage(
  providers: SimulatedProvider[],
  scenarios: Scenario[],
  keys: SandboxKeys,
  url: string,
): string {
  return `${providers.length} ${scenarios.length} ${Object.keys(keys.providers).length} ${url}`;
}
