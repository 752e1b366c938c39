import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readBody } from './body.ts';
import { CallRecord, type SandboxCall } from './calls.ts';
import { basePathOf, readCatalogue, type SandboxEntry } from './catalogue.ts';
import { Control, type ControlSettings } from './control.ts';
import { deliver, watchCaller } from './deliver.ts';
import { DataFileError } from './json.ts';
import { lastFourOf, makeKeys, type ProviderKeys, type SandboxKeys } from './keys.ts';
import { Mailbox } from './mailbox.ts';
import { bareId } from './models-wire.ts';
import { type OwnState, serveOwn } from './own-routes.ts';
import { renderPage } from './page.ts';
import { loadProfiles, type Profile } from './profile.ts';
import { answerRequest, type SimulatedProvider } from './provider.ts';
import { loadScenarios, type Scenario } from './scenario.ts';
import { StoredResponses } from './stored-responses.ts';

export interface SandboxOptions {
  /** 0 = any free port. */
  port: number;
  host?: string;
  /** The folder of catalogue entries. */
  catalogueDir: string;
  /** Other data folders than the package's own, for tests of the loaders. */
  profilesDir?: string;
  scenariosDir?: string;
}

export interface Sandbox {
  url: string;
  port: number;
  keys: SandboxKeys;
  calls: () => SandboxCall[];
  clear: () => void;
  /** Changes some settings; without an argument all go back to their defaults. */
  control: (change?: Partial<ControlSettings>) => void;
  close: () => Promise<void>;
}

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
/** Profile for catalogue providers that have none of their own. */
const PLAIN_PROFILE = 'plain';

/** Starts the simulated providers on one loopback port. Throws DataFileError for a bad data file, and what `listen` throws. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const host = options.host ?? '127.0.0.1';
  const scenarios = loadScenarios(options.scenariosDir ?? join(PACKAGE, 'scenarios'));
  const profiles = loadProfiles(options.profilesDir ?? join(PACKAGE, 'profiles'));
  const providers = makeProviders(readCatalogue(options.catalogueDir), profiles);
  const running = new RunningSandbox(providers, scenarios);
  const server = createServer((request, response) => running.serve(request, response));
  server.keepAliveTimeout = 5000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, host, resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  const url = `http://${reachable(host)}:${port}`;
  running.open(url);
  return {
    url,
    port,
    keys: running.keys,
    calls: () => running.calls.all(),
    clear: () => running.calls.clear(),
    control: (change) => (change ? running.control.change(change) : running.control.reset()),
    close: () =>
      new Promise((resolve) => {
        running.control.reset();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Host part of an address that callers on this machine can use, also where all interfaces are listened on. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

function makeProviders(entries: SandboxEntry[], profiles: Map<string, Profile>): Map<string, SimulatedProvider> {
  const providers = new Map<string, SimulatedProvider>();
  for (const entry of entries) {
    const profile = profiles.get(entry.id) ?? profiles.get(PLAIN_PROFILE);
    if (!profile) throw new DataFileError(`${PLAIN_PROFILE}.json`, 'is missing');
    providers.set(entry.id, { entry, profile, basePath: basePathOf(entry.base_url), stored: new StoredResponses() });
  }
  for (const profile of profiles.values()) {
    if (!profile.standalone) continue;
    const entry: SandboxEntry = {
      id: profile.id,
      name: profile.standalone.name,
      base_url: `http://127.0.0.1${profile.standalone.basePath}`,
      dialect: 'openai-chat',
      auth: { header: 'authorization', prefix: 'Bearer ' },
      key: { prefixes: [], usual_length: 48 },
    };
    providers.set(profile.id, { entry, profile, basePath: profile.standalone.basePath, stored: new StoredResponses() });
  }
  return providers;
}

class RunningSandbox {
  readonly calls = new CallRecord();
  readonly control = new Control();
  keys: SandboxKeys = { providers: {}, custom: {} };
  #url = '';
  readonly #own: OwnState = {
    calls: this.calls,
    control: this.control,
    mailbox: new Mailbox(),
    keys: () => this.keys,
    prices: () => [...this.#providers.values()].flatMap(pricesOf),
    page: () => renderPage([...this.#providers.values()], [...this.#scenarios.values()], this.keys, this.#url),
  };
  readonly #providers: Map<string, SimulatedProvider>;
  readonly #scenarios: Map<string, Scenario>;

  constructor(providers: Map<string, SimulatedProvider>, scenarios: Map<string, Scenario>) {
    this.#providers = providers;
    this.#scenarios = scenarios;
  }

  /** Makes the example keys, once the address is known. */
  open(url: string): void {
    this.#url = url;
    for (const { entry, profile, basePath } of this.#providers.values()) {
      const made: ProviderKeys = {
        keys: makeKeys(entry.key),
        model: bareId(profile.models[0]?.id ?? ''),
        base_url: `${url}/${entry.id}${basePath}`,
      };
      if (profile.standalone) this.keys.custom[entry.id] = made;
      else this.keys.providers[entry.id] = made;
    }
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const provider = this.#providers.get(path.split('/')[1] ?? '');
    const work = provider
      ? this.#serveProvider(provider, path, request, response)
      : serveOwn(this.#own, path, request, response);
    work.catch(() => response.destroy());
  }

  async #serveProvider(
    provider: SimulatedProvider,
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const base = `/${provider.entry.id}${provider.basePath}`;
    const headers = flatHeaders(request);
    const clearKey = readKey(provider.entry, headers);
    const call: SandboxCall = {
      provider: provider.entry.id,
      method: request.method ?? 'GET',
      path: path.startsWith(`${base}/`) ? path.slice(base.length) : path,
      model: null,
      last4: lastFourOf(clearKey),
      at: new Date().toISOString(),
      scenario: null,
      status: null,
      stream: false,
      aborted: false,
      finished: false,
      bytes_in: 0,
      bytes_out: 0,
      usage: null,
      headers: Object.keys(headers).sort(),
    };
    this.calls.add(call);
    const left = watchCaller(response, call);
    const body = await readBody(request);
    call.bytes_in = body?.length ?? 0;
    const asked = { method: call.method, path: call.path, headers, body, clearKey };
    const { reply, outcome } = answerRequest(provider, asked, this.#scenarios, this.control.settings, call);
    await deliver(response, reply, outcome, this.control, call, left);
  }
}

/** What the models of a catalogue provider cost, as far as its profile says: numbers of USD. */
function pricesOf({ entry, profile }: SimulatedProvider) {
  if (profile.standalone) return [];
  return profile.models
    .filter(({ priced }) => priced)
    .map(({ id, price }) => ({
      provider: entry.id,
      model: bareId(id),
      input_usd_per_mtok: price.input,
      output_usd_per_mtok: price.output,
      request_usd: price.request,
    }));
}

function flatHeaders(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers))
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  return headers;
}

/** The key out of the provider's own header, or else out of a bearer header, which newer clients send everywhere. */
function readKey(entry: SandboxEntry, headers: Record<string, string>): string {
  const value = headers[entry.auth.header.toLowerCase()];
  if (value !== undefined) return withoutPrefix(value, entry.auth.prefix);
  return withoutPrefix(headers.authorization ?? '', 'Bearer ');
}

/** What follows the prefix, in any case; empty without it. */
function withoutPrefix(value: string, prefix: string): string {
  return value.toLowerCase().startsWith(prefix.toLowerCase()) ? value.slice(prefix.length).trim() : '';
}
