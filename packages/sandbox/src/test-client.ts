/** Speaks to the sandbox as a gateway would, for the tests of this package. */
import { fileURLToPath } from 'node:url';
import { isJsonObject, type Json, type JsonObject, objectOf, parseJson } from './json.ts';
import type { Outcome, ProviderKeys } from './keys.ts';
import { type Sandbox, startSandbox } from './start.ts';

export const CATALOGUE = fileURLToPath(new URL('../../../catalogue/providers', import.meta.url));

/** Sandbox of a test file. */
export function openSandbox(): Promise<Sandbox> {
  return startSandbox({ port: 0, catalogueDir: CATALOGUE });
}

export interface Heard {
  status: number;
  headers: Headers;
  text: string;
  json: Json | undefined;
}

export class SandboxClient {
  readonly id: string;
  readonly example: ProviderKeys;
  /** True where the provider speaks the Messages wire. */
  readonly messages: boolean;

  constructor(sandbox: Sandbox, id: string) {
    const example = sandbox.keys.providers[id] ?? sandbox.keys.custom[id];
    if (!example) throw new Error(`The sandbox has no ${id}`);
    this.id = id;
    this.example = example;
    this.messages = example.model.startsWith('claude');
  }

  get generationPath(): string {
    return this.messages ? '/messages' : '/chat/completions';
  }

  keyOf(outcome: Outcome): string {
    return this.example.keys[outcome];
  }

  headers(clearKey: string): Record<string, string> {
    const key: Record<string, string> =
      clearKey === '' ? {} : this.messages ? { 'x-api-key': clearKey } : { authorization: `Bearer ${clearKey}` };
    return { 'content-type': 'application/json', 'anthropic-version': '2023-06-01', ...key };
  }

  async get(path: string, clearKey = this.keyOf('valid')): Promise<Heard> {
    return hear(await fetch(this.example.base_url + path, { headers: this.headers(clearKey) }));
  }

  async post(path: string, body: unknown, clearKey = this.keyOf('valid')): Promise<Heard> {
    return hear(await this.open(path, body, clearKey));
  }

  open(path: string, body: unknown, clearKey = this.keyOf('valid'), signal?: AbortSignal): Promise<Response> {
    const sent = typeof body === 'string' ? body : JSON.stringify(body);
    const init = { method: 'POST', headers: this.headers(clearKey), body: sent };
    return fetch(this.example.base_url + path, signal ? { ...init, signal } : init);
  }

  /** A generation with one user message. */
  say(content: string, extra: JsonObject = {}, clearKey = this.keyOf('valid')): Promise<Heard> {
    return this.post(this.generationPath, this.request(content, extra), clearKey);
  }

  request(content: string, extra: JsonObject = {}): JsonObject {
    const limit: JsonObject = this.messages ? { max_tokens: 4000 } : {};
    return { model: this.example.model, messages: [{ role: 'user', content }], ...limit, ...extra };
  }
}

async function hear(response: Response): Promise<Heard> {
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parseJson(text) };
}

/** The data of each event, `[DONE]` and comments left out. */
export function eventsOf(text: string): JsonObject[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('data: ') && line !== 'data: [DONE]')
    .map((line) => objectOf(parseJson(line.slice(6))));
}

/** The value at a path of field names and positions; undefined where there is none. */
export function at(value: Json | undefined, ...path: (string | number)[]): Json | undefined {
  let found = value;
  for (const step of path) {
    if (Array.isArray(found) && typeof step === 'number') found = found[step];
    else if (isJsonObject(found) && typeof step === 'string') found = found[step];
    else return undefined;
  }
  return found;
}
