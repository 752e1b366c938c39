/** The test of a key: a free authenticated call, then one minimal generation, both through egress and ledger like any other. */
import type { PrepareExchange } from '@ownkey/contract/dialect';
import { OwnkeyError } from '@ownkey/contract/errors';
import type { JobStep, ProbeResult } from '@ownkey/contract/jobs';
import type { StatusDetail } from '@ownkey/contract/key';
import type { CatalogueEntry } from '@ownkey/contract/provider';
import type { Scrubber } from '@ownkey/guard/scrub';
import type { Configurations } from '../access/configurations.ts';
import type { Sql } from '../access/load.ts';
import type { Egress } from '../egress/egress.ts';
import type { UnstoredEgress } from '../egress/pooled-egress.ts';
import { StepLog } from '../jobs/step-log.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { ListedModel } from '../models/model-lists.ts';
import { askGeneration, askList, type CallLimits, type ProbeAnswer, type ProbeKey } from './probe-call.ts';
import { chooseModels, minimalRequest } from './probe-request.ts';
import { type ProbeHold, type ProbePayer, reserveProbe, settleProbe } from './probe-spend.ts';
import { decideVerdict, isWorthAnotherModel, isWorthGenerating, type Seen } from './probe-verdict.ts';

/** The key to test and for whom. */
export interface ProbeSubject extends ProbeKey, ProbePayer {}

export interface ProbeOutcome {
  readonly result: ProbeResult;
  /** The key's model list, where the test read one. */
  readonly models: readonly ListedModel[] | null;
  /** The provider said itself that this key is not one. */
  readonly rejected: boolean;
}

export interface Prober {
  /**
   * Tests the key now; what the provider says is the result, never an error. Writes no key.
   * @throws OwnkeyError ledger.unavailable, not_found (the company is gone): nothing was sent then
   */
  probe(subject: ProbeSubject, steps: StepLog): Promise<ProbeOutcome>;
  /** The key's model list read now; null when there is none or it cannot be read. @throws as `probe` */
  listModels(subject: ProbeSubject): Promise<readonly ListedModel[] | null>;
}

export interface ProberOptions {
  readonly egress: Egress & UnstoredEgress;
  readonly ledger: Pick<Ledger, 'reserve' | 'settle'>;
  readonly configurations: Configurations;
  readonly sql: Sql;
  readonly prepareExchange: PrepareExchange;
  /** The models in a provider's answer. @throws when it cannot be read */
  readonly readModelList: (entry: CatalogueEntry, body: Buffer) => readonly ListedModel[];
  readonly scrubber: Pick<Scrubber, 'scrubText'>;
  /** How long a test of an endpoint that cannot be reached takes, whatever the reason, so that the time tells nothing. */
  readonly unreachableMs?: number;
  readonly clock?: Clock;
}

/** Monotonic time, and waiting for a moment of it. */
export interface Clock {
  nowMs(): number;
  /** Resolves at `atMs`; at once when that has passed. */
  until(atMs: number): Promise<void>;
}

const LIST: CallLimits = { headMs: 8_000, totalMs: 12_000 };
const GENERATION: CallLimits = { headMs: 20_000, totalMs: 25_000 };
const ANSWER_BYTES_MAX = 1024 * 1024;
const MESSAGE_CHARACTERS_MAX = 500;
const UNREACHABLE_MS = 5_500;
/** Of that time an endpoint has this share to answer: the slowest way to fail ends before the answer is due. */
const ANSWER_SHARE = 0.9;

const REAL_CLOCK: Clock = {
  nowMs: () => performance.now(),
  until: (atMs) => new Promise((resolve) => setTimeout(resolve, Math.max(0, atMs - performance.now()))),
};

export function createProber(options: ProberOptions): Prober {
  return {
    probe: (subject, steps) => new Probe(options, subject, steps).run(),
    listModels: (subject) => new Probe(options, subject, new StepLog(async () => {})).models(),
  };
}

class Probe {
  readonly #options: ProberOptions;
  readonly #subject: ProbeSubject;
  readonly #steps: StepLog;

  constructor(options: ProberOptions, subject: ProbeSubject, steps: StepLog) {
    this.#options = options;
    this.#subject = subject;
    this.#steps = steps;
  }

  async run(): Promise<ProbeOutcome> {
    const { target } = this.#subject;
    const { probe } = target.entry;
    const list = await this.#list(probe.path);
    const models = this.#readModels(list, probe.path);
    const generation = await this.#generate(list, models);
    const verdict = decideVerdict(list, generation, probe.proves_key);
    const last = generation ?? list;
    return {
      rejected: verdict.rejected,
      models,
      result: {
        status: verdict.status,
        status_detail: verdict.status === 'valid' ? null : this.#detail(verdict.because),
        latency_ms: last.status === null ? null : last.latencyMs,
        permissions: verdict.permissions,
        models_count: models?.length ?? null,
      },
    };
  }

  async models(): Promise<readonly ListedModel[] | null> {
    const path = this.#subject.target.entry.models?.path;
    return path === undefined ? null : this.#readModels(await this.#list(path), path);
  }

  async #list(path: string): Promise<ProbeAnswer> {
    const { target } = this.#subject;
    const { unreachableMs = UNREACHABLE_MS, clock = REAL_CLOCK } = this.#options;
    const limits = target.custom ? { headMs: unreachableMs * ANSWER_SHARE, totalMs: LIST.totalMs } : LIST;
    this.#steps.begin('list');
    const hold = await reserveProbe(this.#options, this.#subject, '', null);
    const dueMs = clock.nowMs() + unreachableMs;
    const answer = this.#sameForAll(await askList(this.#options.egress, this.#subject, path, limits));
    // Before anything is written down: row, steps and result come at one time and say the same. The call is free, sent or not.
    const hidden = target.custom && answer.lost === 'provider.unreachable';
    if (hidden) await clock.until(dueMs);
    await settleProbe(this.#options, hold, hidden ? { ...answer, afterSend: true } : answer);
    return answer;
  }

  #readModels(list: ProbeAnswer, path: string): readonly ListedModel[] | null {
    const { target } = this.#subject;
    const { entry } = target;
    let models: readonly ListedModel[] | null = null;
    if (list.status !== null && list.failure === null && entry.models?.path === path) {
      try {
        models = this.#options.readModelList(entry, list.body);
      } catch {
        models = null;
      }
    }
    const failed = list.status === null || list.failure !== null;
    this.#steps.end('list', failed ? 'failed' : 'done', this.#stepDetail(list, models));
    return models;
  }

  /** The last generation tried; null when none was. */
  async #generate(list: Seen, models: readonly ListedModel[] | null): Promise<ProbeAnswer | null> {
    const candidates = chooseModels(this.#subject.target.entry, models?.map(({ id }) => id) ?? null);
    const why = (await this.#isAiOff()) ? 'ai.consent_off' : candidates.length === 0 ? 'model.unknown' : null;
    if (!isWorthGenerating(list) || why !== null) {
      this.#steps.end('generate', 'skipped', why === null ? undefined : { code: why });
      return null;
    }
    this.#steps.begin('generate');
    let last: ProbeAnswer | null = null;
    for (const model of candidates) {
      const answer = await this.#generateOnce(model);
      if (answer instanceof OwnkeyError) {
        // A cap or a price: the key is judged by what was seen until here.
        this.#steps.end('generate', 'skipped', { code: answer.code });
        return last;
      }
      last = answer;
      if (!isWorthAnotherModel(last)) break;
    }
    const failed = !last || last.status === null || last.failure !== null;
    this.#steps.end('generate', failed ? 'failed' : 'done', last ? this.#stepDetail(last, null) : undefined);
    return last;
  }

  /** The error of a refusal by money; others are thrown. */
  async #generateOnce(model: string): Promise<ProbeAnswer | OwnkeyError> {
    const { egress, prepareExchange } = this.#options;
    const { target } = this.#subject;
    const request = minimalRequest(target.entry, model);
    let exchange = prepareExchange(target, request, { answerBytesMax: ANSWER_BYTES_MAX });
    for (let tries = 1; ; tries++) {
      let hold: ProbeHold;
      try {
        hold = await reserveProbe(this.#options, this.#subject, model, request.body);
      } catch (error) {
        if (error instanceof OwnkeyError && error.status === 402) return error;
        throw error;
      }
      const answer = this.#sameForAll(await askGeneration(egress, this.#subject, exchange, GENERATION, hold.maxTokens));
      await settleProbe(this.#options, hold, answer);
      const without = answer.failure && tries === 1 ? exchange.withoutAddedParameters(answer.failure) : null;
      if (!without) return answer;
      exchange = without;
    }
  }

  /** While a company's AI is off no AI call is made for it: the key is then judged by the first call alone. */
  async #isAiOff(): Promise<boolean> {
    const { rows } = await this.#query<{ off: boolean }>('SELECT NOT ai_enabled AS off FROM companies WHERE id = $1');
    return rows[0]?.off ?? false;
  }

  async #query<Row extends object>(text: string): Promise<{ rows: Row[] }> {
    try {
      return await this.#options.sql.query<Row>(text, text.includes('$1') ? [this.#subject.companyId] : []);
    } catch (cause) {
      throw new OwnkeyError('ledger.unavailable', {}, 'a query failed', { cause });
    }
  }

  /** To the owner of an endpoint, refused, closed and silent look alike: else tests would map the network behind. */
  #sameForAll(answer: ProbeAnswer): ProbeAnswer {
    const hidden = this.#subject.target.custom && answer.status === null && answer.lost?.startsWith('provider.');
    return hidden ? { ...answer, lost: 'provider.unreachable', latencyMs: null, ttfbMs: null } : answer;
  }

  #detail(because: Seen | null): StatusDetail {
    const detail: StatusDetail = { since: new Date().toISOString() };
    if (because === null) return detail;
    if (because.failure) detail.http_status = because.failure.status;
    const code = because.lost ?? because.failure?.code;
    if (code) detail.code = this.#scrub(code);
    if (because.failure?.message) detail.provider_message = this.#scrub(because.failure.message);
    return detail;
  }

  #stepDetail(answer: ProbeAnswer, models: readonly ListedModel[] | null): NonNullable<JobStep['detail']> {
    return {
      ...(models && { models: models.length }),
      ...(answer.status !== null && { http_status: answer.status }),
      ...(answer.lost !== null && { code: answer.lost }),
      ...(answer.failure && { provider_message: this.#scrub(answer.failure.message) }),
    };
  }

  #scrub(text: string): string {
    return this.#options.scrubber.scrubText(text).slice(0, MESSAGE_CHARACTERS_MAX);
  }
}
