import type { Usage } from '@ownkey/contract/usage';

/** One request that reached a simulated provider. Never the key: its last four characters at most. */
export interface SandboxCall {
  provider: string;
  method: string;
  /** Below the provider's base path, without a query. */
  path: string;
  model: string | null;
  last4: string | null;
  /** When it arrived, ISO 8601 in UTC. */
  at: string;
  scenario: string | null;
  /** null until the head is sent. */
  status: number | null;
  stream: boolean;
  /** The caller left before the answer was complete. */
  aborted: boolean;
  finished: boolean;
  bytes_in: number;
  bytes_out: number;
  /** What the provider bills, in the normal form, whatever the answer says. */
  usage: Usage | null;
  /** Names of the request's headers, lower case. */
  headers: string[];
}

const CALLS_MAX = 10_000;

/** The latest calls, oldest first. */
export class CallRecord {
  #calls: SandboxCall[] = [];

  add(call: SandboxCall): void {
    this.#calls.push(call);
    if (this.#calls.length > CALLS_MAX) this.#calls.shift();
  }

  all(): SandboxCall[] {
    return this.#calls.map((call) => ({ ...call }));
  }

  clear(): void {
    this.#calls = [];
  }
}
