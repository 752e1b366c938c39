import type { Plan, PlanBody } from '@ownkey/contract/api/operator';
import { amountInField, readAmount } from '../../format/read-amount.ts';

/** In the address of the form for a plan that is not there yet. */
export const NEW_PLAN = '-';
const ID = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** A plan as it is edited: every field as text. */
export interface PlanDraft {
  id: string;
  name: string;
  byok: boolean;
  byokProviders: string;
  personalKeys: boolean;
  models: 'all' | 'some' | 'none';
  modelNames: string;
  credits: string;
  perMinute: string;
  atOnce: string;
  upgradeUrl: string;
}

export function planDraft(plan: Plan | null, locale: string): PlanDraft {
  const models = plan?.platform_models ?? null;
  return {
    id: plan?.id ?? '',
    name: plan?.name ?? '',
    // A list without a provider allows none.
    byok: plan === null || (plan.byok && plan.byok_providers?.length !== 0),
    byokProviders: (plan?.byok_providers ?? []).join('\n'),
    personalKeys: plan?.personal_keys ?? true,
    models: models === null ? 'all' : models.length === 0 ? 'none' : 'some',
    modelNames: (models ?? []).join('\n'),
    credits: plan === null ? '0' : plan.credits_usd === null ? '' : amountInField(plan.credits_usd, locale),
    perMinute: String(plan?.requests_per_minute ?? ''),
    atOnce: String(plan?.concurrent_requests ?? ''),
    upgradeUrl: plan?.upgrade_url ?? '',
  };
}

export type WrongField = 'id' | 'name' | 'credits' | 'perMinute' | 'atOnce' | 'upgradeUrl';

/** What the API is sent, or which fields cannot be read. */
export function planBodyOf(
  draft: PlanDraft,
  locale: string,
): { body: PlanBody | null; wrong: ReadonlySet<WrongField> } {
  const wrong = new Set<WrongField>();
  if (!ID.test(draft.id)) wrong.add('id');
  if (draft.name.trim() === '') wrong.add('name');
  const upgrade = draft.upgradeUrl.trim();
  if (upgrade !== '' && !/^https?:\/\//.test(upgrade)) wrong.add('upgradeUrl');
  const credits = draft.credits.trim() === '' ? null : readAmount(draft.credits, locale);
  if (credits === null && draft.credits.trim() !== '') wrong.add('credits');
  const perMinute = countOf(draft.perMinute);
  const atOnce = countOf(draft.atOnce);
  if (perMinute === undefined) wrong.add('perMinute');
  if (atOnce === undefined) wrong.add('atOnce');
  if (wrong.size > 0 || perMinute === undefined || atOnce === undefined) return { body: null, wrong };
  const providers = linesOf(draft.byokProviders);
  return {
    body: {
      name: draft.name.trim(),
      byok: draft.byok,
      byok_providers: providers.length === 0 ? null : providers,
      personal_keys: draft.personalKeys,
      platform_models: draft.models === 'all' ? null : draft.models === 'none' ? [] : linesOf(draft.modelNames),
      credits_usd: credits,
      requests_per_minute: perMinute,
      concurrent_requests: atOnce,
      upgrade_url: upgrade === '' ? null : upgrade,
    },
    wrong,
  };
}

function linesOf(text: string): string[] {
  return [...new Set(text.split(/[\n,]+/).map((line) => line.trim()))].filter((line) => line !== '');
}

/** null: no limit. undefined: no whole number from 1 on. */
function countOf(text: string): number | null | undefined {
  const bare = text.trim();
  if (bare === '') return null;
  return /^[1-9]\d{0,6}$/.test(bare) ? Number(bare) : undefined;
}
