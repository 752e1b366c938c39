import type { ReadyFacts } from './child.ts';

/** What the sandbox says about itself when it is ready: where each simulated provider is and which keys it takes. */
export interface SandboxFacts {
  readonly url: string;
  readonly baseUrls: Readonly<Record<string, string>>;
  readonly providers: Readonly<Record<string, SandboxProvider>>;
}

export interface SandboxProvider {
  readonly keys: Readonly<Record<string, string>>;
  readonly model: string;
}

/**
 * Reads the sandbox's ready message: `{port, providers: {<id>: {base_url, model, keys: {valid, invalid, …}}}}`.
 * @throws Error when it has another shape.
 */
export function readSandboxFacts(url: string, info: ReadyFacts): SandboxFacts {
  const providers: Record<string, SandboxProvider> = {};
  const baseUrls: Record<string, string> = {};
  for (const [id, value] of entries(info.providers, 'providers')) {
    const facts = new Map(entries(value, id));
    const model = facts.get('model');
    const baseUrl = facts.get('base_url');
    if (typeof model !== 'string' || typeof baseUrl !== 'string')
      throw new Error(`The sandbox said nothing usable about ${id}`);
    const keys: Record<string, string> = {};
    for (const [outcome, key] of entries(facts.get('keys'), `${id}.keys`)) keys[outcome] = String(key);
    providers[id] = { keys, model };
    baseUrls[id] = baseUrl;
  }
  return { url, baseUrls, providers };
}

function entries(value: unknown, what: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null) throw new Error(`The sandbox's ready message has no ${what}`);
  return Object.entries(value);
}
