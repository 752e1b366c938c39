import type { PoliciesBody, PoliciesUsd } from '@ownkey/contract/api/money';
import { OwnkeyError } from '@ownkey/contract/errors';
import { formatUsd } from '@ownkey/contract/money';
import { type CapAmounts, type Policies, readPolicies } from '@ownkey/contract/policies';
import { CAP_PERIODS } from '@ownkey/contract/spend';
import { first, type Sql } from '../../storage/database.ts';
import { recordEvent } from '../audit/record.ts';
import { FIELD_OF, invalid, readAmount } from '../caps/amounts.ts';
import { policyView } from '../caps/view.ts';

/** What the operator fixes for every company. A change moves the installation's version: the next call of any company obeys. */

/** Amounts of policies are kept as JSON numbers, exact up to this. */
const POLICY_MAX = 1_000_000_000_000_000n;

export async function readStoredPolicies(sql: Sql, lock: 'lock' | 'no lock' = 'no lock'): Promise<Policies> {
  const row = await first<{ settings: Record<string, unknown> }>(
    sql,
    `SELECT settings FROM installation ${lock === 'lock' ? 'FOR UPDATE' : ''}`,
  );
  if (row === null) throw new OwnkeyError('internal', {}, 'the table installation is empty');
  return readPolicies(row.settings);
}

/** Members not named stay; two changes at once are made one after the other. @throws OwnkeyError request.invalid */
export async function changePolicies(sql: Sql, wanted: PoliciesBody, actor: string): Promise<Policies> {
  const before = await readStoredPolicies(sql, 'lock');
  const after = applyPolicies(before, wanted);
  await sql.rows("UPDATE installation SET settings = settings || jsonb_build_object('policies', $1::jsonb)", [
    JSON.stringify(after),
  ]);
  const data = { from: policiesView(before), to: policiesView(after) };
  await recordEvent(sql, { company: null, kind: 'policies.changed', actor, data });
  return after;
}

/** Pure. @throws OwnkeyError request.invalid naming the field */
export function applyPolicies(before: Policies, wanted: PoliciesBody): Policies {
  const ceilings = wanted.ceilings ?? {};
  const tools = Object.entries(ceilings.hosted_tools ?? {}).map(
    ([name, value]) => [name, Number(readAmount(value, `ceilings.hosted_tools.${name}`, POLICY_MAX))] as const,
  );
  const after: Policies = {
    caps: {
      preset: amountsOf(before.caps.preset, wanted.caps?.preset ?? {}, 'caps.preset'),
      max: amountsOf(before.caps.max, wanted.caps?.max ?? {}, 'caps.max'),
      required: wanted.caps?.required ?? before.caps.required,
    },
    on_failure: {
      choice: wanted.on_failure?.choice ?? before.on_failure.choice,
      preset: wanted.on_failure?.preset ?? before.on_failure.preset,
    },
    default_max_tokens: wanted.default_max_tokens ?? before.default_max_tokens,
    min_max_tokens: wanted.min_max_tokens ?? before.min_max_tokens,
    ceilings: {
      image_tokens: ceilings.image_tokens ?? before.ceilings.image_tokens,
      file_tokens: ceilings.file_tokens === undefined ? before.ceilings.file_tokens : ceilings.file_tokens,
      hosted_tools: ceilings.hosted_tools === undefined ? before.ceilings.hosted_tools : Object.fromEntries(tools),
      service_tiers: ceilings.service_tiers ?? before.ceilings.service_tiers,
    },
    retention: {
      audit_days:
        wanted.retention?.audit_days === undefined ? before.retention.audit_days : wanted.retention.audit_days,
      usage_days:
        wanted.retention?.usage_days === undefined ? before.retention.usage_days : wanted.retention.usage_days,
    },
    embed: { parent_origins: [...new Set(wanted.embed?.parent_origins ?? before.embed.parent_origins)] },
  };
  checkPolicies(after);
  return after;
}

type WantedAmounts = NonNullable<NonNullable<PoliciesBody['caps']>['preset']>;

function amountsOf(before: CapAmounts, wanted: WantedAmounts, path: string): CapAmounts {
  const after = { ...before };
  for (const period of CAP_PERIODS) {
    const field = FIELD_OF[period];
    const value = wanted[field];
    if (value === undefined) continue;
    after[period] = value === null ? null : Number(readAmount(value, `${path}.${field}`, POLICY_MAX));
  }
  return after;
}

function checkPolicies({ caps: { preset, max, required }, default_max_tokens, min_max_tokens }: Policies): void {
  for (const period of CAP_PERIODS) {
    const field = `caps.preset.${FIELD_OF[period]}`;
    const [amount, most] = [preset[period], max[period]];
    if (amount === null && required) throw invalid(field, 'where caps are required there must be a preset');
    if (amount !== null && most !== null && amount > most)
      throw invalid(field, `must be at most the maximum of ${formatUsd(BigInt(most))} USD`);
  }
  if (min_max_tokens > default_max_tokens)
    throw invalid('min_max_tokens', `must be at most default_max_tokens, ${default_max_tokens}`);
}

export function policiesView(policies: Policies): PoliciesUsd {
  const { hosted_tools, ...ceilings } = policies.ceilings;
  return {
    ...policies,
    caps: policyView(policies.caps),
    on_failure: { ...policies.on_failure },
    embed: { parent_origins: [...policies.embed.parent_origins] },
    ceilings: {
      ...ceilings,
      image_tokens: { ...ceilings.image_tokens },
      service_tiers: { ...ceilings.service_tiers },
      hosted_tools: Object.fromEntries(
        Object.entries(hosted_tools).map(([name, nano]) => [name, formatUsd(BigInt(Math.ceil(nano)))]),
      ),
    },
  };
}
