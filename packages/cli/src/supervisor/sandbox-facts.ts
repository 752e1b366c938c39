import { readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { INSTALLATION } from './programs.ts';

/** Where each simulated provider of a running sandbox is and which keys it takes. */
export interface SandboxFacts {
  readonly url: string;
  /** Catalogue id → base URL of the simulation. */
  readonly baseUrls: Readonly<Record<string, string>>;
  readonly providers: Readonly<Record<string, SandboxProvider>>;
  /** What its models cost, as `GET /_prices` tells it; read by the seed. */
  readonly prices: unknown;
}

export interface SandboxProvider {
  readonly keys: Readonly<Record<string, string>>;
  readonly model: string;
}

/**
 * Asks the sandbox for its keys (`GET /_keys`) and prices (`GET /_prices`) and works out the base URLs: the simulation of a provider lies below
 * `/<id>`, with the path of the provider's own base URL.
 * @throws Error when the sandbox answers in another shape.
 */
export async function readSandboxFacts(url: string): Promise<SandboxFacts> {
  const answer = await getJson(`${url}/_keys`);
  const providers: Record<string, SandboxProvider> = {};
  for (const [id, value] of entries(memberOf(answer, 'providers'), 'providers')) {
    const model = memberOf(value, 'model');
    if (typeof model !== 'string') throw new Error(`The sandbox names no model for ${id}`);
    const keys: Record<string, string> = {};
    for (const [outcome, key] of entries(memberOf(value, 'keys'), `${id}.keys`)) keys[outcome] = String(key);
    providers[id] = { keys, model };
  }
  const prices = memberOf(await getJson(`${url}/_prices`), 'data');
  return { url, baseUrls: baseUrlsAt(url), providers, prices };
}

function baseUrlsAt(url: string): Record<string, string> {
  const folder = join(INSTALLATION, 'catalogue', 'providers');
  const baseUrls: Record<string, string> = {};
  for (const name of readdirSync(folder).filter((entry) => entry.endsWith('.json'))) {
    const entry: unknown = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    const own = memberOf(entry, 'base_url');
    if (typeof own !== 'string') throw new Error(`${name} in the catalogue has no base_url`);
    const id = name.slice(0, -'.json'.length);
    baseUrls[id] = `${url}/${id}${new URL(own).pathname.replace(/\/+$/, '')}`;
  }
  return baseUrls;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function entries(value: unknown, what: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null) throw new Error(`The sandbox does not tell its ${what}`);
  return Object.entries(value);
}

function getJson(url: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent: false, timeout: 5000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('end', () => {
        try {
          resolve(JSON.parse(text));
        } catch {
          reject(new Error(`The sandbox answered ${response.statusCode} without JSON at ${new URL(url).pathname}`));
        }
      });
      response.once('error', reject);
    });
    request.once('timeout', () => request.destroy(new Error('The sandbox does not answer')));
    request.once('error', reject);
  });
}
