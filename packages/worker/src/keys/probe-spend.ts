/** Money of key tests: each of their calls is priced, reserved and booked like any other. */
import { OwnkeyError } from '@ownkey/contract/errors';
import { newId } from '@ownkey/contract/ids';
import type { PriceRow } from '@ownkey/contract/price';
import type { ProviderTarget } from '@ownkey/contract/provider';
import { readBody } from '@ownkey/policy/read-body';
import { readFeatures } from '@ownkey/policy/request-features';
import type { Configurations } from '../access/configurations.ts';
import type { InstallationSnapshot } from '../access/snapshot.ts';
import type { KeyRef } from '../egress/egress.ts';
import { costAtEnd } from '../gateway/settlement.ts';
import type { Hold, Ledger } from '../ledger/ledger.ts';
import { findPrice, planSpend, type SpendPlan } from '../spend/plan-spend.ts';
import { refusalError } from '../spend/refusal.ts';
import type { ProbeAnswer } from './probe-call.ts';

/** Whose test it is, and of which key. */
export interface ProbePayer {
  readonly target: ProviderTarget;
  readonly ref: KeyRef;
  /** null = the operator's key: its tests are priced, and count against nobody. */
  readonly companyId: string | null;
  readonly userId: string | null;
  readonly last4: string | null;
  readonly actor: string;
}

export interface ProbeHold {
  readonly hold: Hold;
  readonly price: PriceRow | null;
  readonly reportsCost: boolean;
  /** The limit of the answer. */
  readonly maxTokens: number;
}

export interface ProbeSpendParts {
  readonly ledger: Pick<Ledger, 'reserve' | 'settle'>;
  readonly configurations: Configurations;
}

const RESERVE_TRIES = 5;
const FREE: SpendPlan = { price: null, bound: null, limits: [] };

/**
 * Commits the row before anything is sent, on the newest configuration; decides again when that moved meanwhile. `body`: of a
 * generation; null = a model list, which is free and which no cap stops.
 * @throws OwnkeyError of money and plans (a cap stops tests too), not_found (the company is gone), ledger.unavailable
 */
export async function reserveProbe(
  parts: ProbeSpendParts,
  payer: ProbePayer,
  model: string,
  body: Buffer | null,
): Promise<ProbeHold> {
  for (let tries = 0; tries < RESERVE_TRIES; tries++) {
    const { versions, spend } = await readSpend(parts.configurations, payer, model, body);
    const reserved = await parts.ledger.reserve({
      id: newId('request'),
      companyId: payer.companyId,
      ...versions,
      userId: payer.userId,
      tokenId: null,
      actor: payer.actor,
      account: null,
      operation: null,
      kind: body === null ? 'models' : 'probe',
      wire: null,
      streaming: false,
      provider: payer.target.provider,
      slug: payer.target.slug,
      model,
      keyId: payer.ref.id,
      keyVersion: payer.ref.version,
      last4: payer.last4,
      keySource: payer.companyId === null ? 'platform' : 'own',
      fallback: null,
      priceId: spend.price?.id ?? null,
      reservedNanoUsd: spend.bound?.worst ?? 0n,
      leastNanoUsd: null,
      limits: spend.limits,
    });
    if (reserved.outcome === 'ok') {
      return {
        hold: reserved.hold,
        price: spend.price,
        reportsCost: payer.target.entry.quirks.reports_cost === true,
        maxTokens: spend.bound?.maxTokens ?? 0,
      };
    }
    if (reserved.outcome === 'refused') {
      throw refusalError(reserved.refusal, {
        cost: spend.bound?.worst ?? 0n,
        userId: payer.userId,
        byok: true,
        upgradeUrl: null,
      });
    }
    if (reserved.outcome === 'missing') break;
  }
  throw new OwnkeyError('not_found', {}, 'the company is gone or its settings never stand still');
}

/** Books one call of a test at what it used. Never rejects. */
export function settleProbe(
  { ledger }: ProbeSpendParts,
  { hold, price, reportsCost }: ProbeHold,
  answer: ProbeAnswer,
): Promise<void> {
  const released = answer.status === null && !answer.afterSend;
  const used = { usage: answer.usage, basis: answer.basis };
  return ledger.settle(hold, {
    state: released ? 'released' : 'settled',
    httpStatus: answer.status,
    errorCode: answer.lost ?? (answer.failure ? `provider.${answer.failure.kind}` : null),
    providerRequestId: answer.requestId,
    ...used,
    ...(answer.usage === null || released
      ? { costNanoUsd: released ? null : 0n, priceId: null }
      : costAtEnd({ price, reportsCost }, { usage: answer.usage, basis: answer.basis }, hold)),
    latencyMs: answer.latencyMs,
    ttfbMs: answer.ttfbMs,
  });
}

async function readSpend(
  configurations: Configurations,
  payer: ProbePayer,
  model: string,
  body: Buffer | null,
): Promise<{ versions: { configVersion: number; globalVersion: number }; spend: SpendPlan }> {
  try {
    if (payer.companyId === null) {
      const installation = await configurations.freshInstallation();
      return {
        versions: { configVersion: 0, globalVersion: installation.version },
        spend: operatorSpend(installation, payer, model, body),
      };
    }
    const configuration = await configurations.fresh(payer.companyId);
    if (configuration === null) throw new OwnkeyError('not_found', {}, 'the company is gone');
    const { company, installation } = configuration;
    const versions = { configVersion: company.version, globalVersion: installation.version };
    if (body === null) return { versions, spend: FREE };
    const spend = planSpend({
      configuration,
      userId: payer.userId,
      token: null,
      source: 'own',
      fallback: false,
      slug: payer.target.slug,
      modelName: model,
      model,
      body: bodyOf(payer, body),
      now: Date.now(),
    });
    return { versions, spend };
  } catch (cause) {
    if (cause instanceof OwnkeyError) throw cause;
    throw new OwnkeyError('ledger.unavailable', {}, 'a query failed', { cause });
  }
}

function operatorSpend(
  installation: InstallationSnapshot,
  { target }: ProbePayer,
  model: string,
  body: Buffer | null,
): SpendPlan {
  if (body === null) return FREE;
  return { ...FREE, price: findPrice(installation, null, { slug: target.slug, model, now: Date.now() }) };
}

function bodyOf({ target }: ProbePayer, body: Buffer) {
  const { maxTokens, choices } = readBody(body, target.entry.dialect);
  return {
    provider: target.provider,
    bodyBytes: body.length,
    features: readFeatures(body, target.entry.dialect),
    generates: true,
    maxTokens,
    modelMaxTokens: null,
    choices,
  };
}
