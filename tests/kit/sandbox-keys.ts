import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { makeKey, type Outcome } from '@ownkey/sandbox/keys';

const DIRECTORY = fileURLToPath(new URL('../../catalogue/providers/', import.meta.url));

/** Ids of every catalogue entry. */
export const PROVIDERS: readonly string[] = readdirSync(DIRECTORY)
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.slice(0, -5))
  .sort();

/** A key nobody else has, that the simulated provider answers with `outcome`. Different at each call: a canary. */
export function mintKey(provider: string, outcome: Outcome): string {
  return makeKey(JSON.parse(readFileSync(`${DIRECTORY}/${provider}.json`, 'utf8')).key, outcome);
}

/** Changes the running sandbox: see packages/sandbox/src/control.ts. Give nothing to go back to the defaults. */
export async function control(sandboxUrl: string, change: Record<string, unknown> | null): Promise<void> {
  const response = await fetch(`${sandboxUrl}/_control`, {
    method: change === null ? 'DELETE' : 'PUT',
    ...(change === null ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(change) }),
  });
  if (!response.ok) throw new Error(`The sandbox refused ${JSON.stringify(change)}: ${await response.text()}`);
}

export interface SandboxCall {
  provider: string;
  path: string;
  model: string | null;
  last4: string | null;
  at: string;
  status: number;
  stream: boolean;
  aborted: boolean;
}

/** What reached the simulated providers, oldest first. */
export async function sandboxCalls(sandboxUrl: string): Promise<SandboxCall[]> {
  const body: { data: SandboxCall[] } = JSON.parse(await (await fetch(`${sandboxUrl}/_calls`)).text());
  return body.data;
}

export async function clearSandboxCalls(sandboxUrl: string): Promise<void> {
  await fetch(`${sandboxUrl}/_calls`, { method: 'DELETE' });
}
