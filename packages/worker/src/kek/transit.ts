/**
 * The Transit engine of HashiCorp Vault and OpenBao as wrapper of master keys, over its HTTP API: `POST <address>/v1/<mount>/encrypt/<key>`
 * and `…/decrypt/<key>`. Asked at start and at a rotation, never on the path of a call. Redirects are not followed.
 */
import { readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { KEK_BYTES, KekError } from '@ownkey/vault/kek';
import type { KekWrapper } from '@ownkey/vault/kek-source';
import { allocateSecret } from '@ownkey/vault/secret-bytes';
import { Agent, request } from 'undici';
import { decodeBase64Into, encodeBase64Between, findText } from './transit-answer.ts';

export interface TransitOptions {
  /** Checked by the settings: https, or http to a listed host and port. Without a slash at its end. */
  readonly url: string;
  readonly mount: string;
  readonly key: string;
  /** Read at each use, so that a renewed token is found. */
  readonly tokenFile: string;
  readonly namespace: string | null;
  /** PEM of the authority that signed its certificate; null: those of Node. */
  readonly ca: string | null;
  /** Limit of one try. */
  readonly timeoutMs?: number;
  /** Waits between tries. */
  readonly waitsMs?: readonly number[];
}

const ANSWER_BYTES_MAX = 65_536;
const TIMEOUT_MS = 5_000;
/** About 20 s in all: a KMS that restarts at the same time is waited for, one that is gone is said soon. */
const WAITS_MS = [250, 500, 1_000, 2_000, 4_000, 8_000];

export class Transit implements KekWrapper {
  readonly name = 'transit';
  readonly #options: TransitOptions;

  constructor(options: TransitOptions) {
    this.#options = options;
  }

  async wrap(raw: Buffer): Promise<string> {
    const body = encodeBase64Between('{"plaintext":"', raw, '"}', allocateSecret);
    const answer = await this.#ask('encrypt', body);
    const ciphertext = findText(answer, 'ciphertext')?.toString('latin1') ?? '';
    if (!/^vault:v\d+:[A-Za-z0-9+/=]{40,2000}$/.test(ciphertext)) throw this.#unreadable();
    return ciphertext;
  }

  async unwrap(wrapped: string): Promise<Buffer> {
    const answer = await this.#ask('decrypt', Buffer.from(JSON.stringify({ ciphertext: wrapped })));
    try {
      const raw = allocateSecret(KEK_BYTES);
      const text = findText(answer, 'plaintext');
      if (text === null || !decodeBase64Into(text, raw)) {
        raw.fill(0);
        throw this.#unreadable();
      }
      return raw;
    } finally {
      answer.fill(0);
    }
  }

  /** Tries again what may pass by itself; the rest is for the operator. Erases `body`. */
  async #ask(operation: 'encrypt' | 'decrypt', body: Buffer): Promise<Buffer> {
    const dispatcher = new Agent({
      connect: {
        timeout: this.#options.timeoutMs ?? TIMEOUT_MS,
        ...(this.#options.ca !== null && { ca: this.#options.ca }),
      },
    });
    const waits = this.#options.waitsMs ?? WAITS_MS;
    try {
      for (let tries = 0; ; tries++) {
        try {
          return await this.#try(operation, body, dispatcher);
        } catch (error) {
          const wait = waits[tries];
          if (wait === undefined || !(error instanceof Passing)) throw error instanceof Passing ? error.final : error;
          await sleep(wait);
        }
      }
    } finally {
      body.fill(0);
      await dispatcher.destroy();
    }
  }

  async #try(operation: 'encrypt' | 'decrypt', body: Buffer, dispatcher: Agent): Promise<Buffer> {
    const { url, mount, key, namespace, timeoutMs = TIMEOUT_MS } = this.#options;
    const headers = {
      'content-type': 'application/json',
      'x-vault-request': 'true',
      'x-vault-token': this.#token(),
      ...(namespace !== null && { 'x-vault-namespace': namespace }),
    };
    let status: number;
    let answer: Buffer;
    try {
      const response = await request(`${url}/v1/${mount}/${operation}/${encodeURIComponent(key)}`, {
        method: 'POST',
        headers,
        body,
        dispatcher,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
        signal: AbortSignal.timeout(timeoutMs * 2),
      });
      status = response.statusCode;
      answer = await readAll(response.body);
    } catch (cause) {
      if (cause instanceof TooLong) throw this.#unreadable();
      const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'no answer';
      throw new Passing(
        new KekError(
          'source',
          `the KMS at ${url} cannot be reached (${why}); check OWNKEY_TRANSIT_URL, its network and certificate`,
          {
            cause,
          },
        ),
      );
    }
    if (status === 200) return answer;
    answer.fill(0);
    throw this.#refusal(operation, status);
  }

  #token(): string {
    const { tokenFile } = this.#options;
    try {
      const { mode } = statSync(tokenFile);
      if ((mode & 0o077) !== 0) {
        throw new KekError(
          'permissions',
          `the token file ${tokenFile} can be read by others; run: chmod 600 ${tokenFile}`,
        );
      }
      const token = readFileSync(tokenFile, 'latin1').trim();
      if (/^[\x21-\x7e]{1,4096}$/.test(token)) return token;
    } catch (error) {
      if (error instanceof KekError) throw error;
      throw new KekError('source', `the token file ${tokenFile} cannot be read; set OWNKEY_TRANSIT_TOKEN_FILE`);
    }
    throw new KekError('source', `the token file ${tokenFile} does not hold one token`);
  }

  /** Nothing of the answer is repeated: a KMS may echo what it was sent. */
  #refusal(operation: string, status: number): Error {
    const { url, mount, key, tokenFile } = this.#options;
    const path = `${mount}/${operation}/${key}`;
    const say = (what: string) => new KekError('source', `the KMS at ${url} ${what}`);
    if (status === 403) {
      return say(
        `refuses ${path} (403): renew or replace the token in ${tokenFile}, its policy must allow update on ${path}`,
      );
    }
    if (status === 404)
      return say(`has no ${path} (404): check OWNKEY_TRANSIT_MOUNT, OWNKEY_TRANSIT_KEY and OWNKEY_TRANSIT_NAMESPACE`);
    if (status === 400) {
      return say(
        operation === 'decrypt'
          ? `does not decrypt this master key (400): it was wrapped by another Transit key, or by a version that is gone; put back the master key file that belongs to ${key}`
          : `does not encrypt with ${path} (400): check OWNKEY_TRANSIT_KEY`,
      );
    }
    if (status === 503) return new Passing(say('is sealed or starting (503): unseal it'));
    if (status === 429 || status >= 500) return new Passing(say(`answers ${status}; see its log`));
    return say(`answers ${status}, which is not an answer of Transit: check OWNKEY_TRANSIT_URL`);
  }

  #unreadable(): KekError {
    return new KekError(
      'source',
      `the KMS at ${this.#options.url} sent an answer that is not Transit's: check OWNKEY_TRANSIT_URL`,
    );
  }
}

/** May pass by itself. */
class Passing extends Error {
  readonly final: KekError;
  constructor(final: KekError) {
    super(final.message);
    this.final = final;
  }
}

class TooLong extends Error {}

/** The whole body in one erasable buffer; the pieces it came in are erased. */
async function readAll(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const whole = allocateSecret(ANSWER_BYTES_MAX);
  let length = 0;
  for await (const piece of body) {
    const fits = length + piece.length <= whole.length;
    if (fits) piece.copy(whole, length);
    length += piece.length;
    piece.fill(0);
    if (!fits) {
      whole.fill(0);
      throw new TooLong();
    }
  }
  return whole.subarray(0, length);
}
