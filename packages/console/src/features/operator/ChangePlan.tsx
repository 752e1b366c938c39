import type { OperatorCompany, PlanEffect } from '@ownkey/contract/api/operator';
import { useQuery } from '@tanstack/react-query';
import type { TFunction } from 'i18next';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { planEffectQuery, useMoveCompany } from '../../api/companies.ts';
import { explainError } from '../../api/explain-error.ts';
import { plansQuery } from '../../api/operator.ts';
import { formatUsd } from '../../format/money.ts';
import { Button } from '../../ui/Button.tsx';
import { FailurePanel } from '../../ui/Feedback.tsx';
import { SelectField } from '../../ui/Field.tsx';
import { useMessages } from '../../ui/Messages.tsx';

/** Moves a company to another plan, once it has been said what that does. */
export function ChangePlan({ company, blocked }: { company: OperatorCompany; blocked: string | null }) {
  const { t, i18n } = useTranslation();
  const plans = useQuery(plansQuery);
  const move = useMoveCompany();
  const { say } = useMessages();
  const [wanted, setWanted] = useState(company.plan);
  const other = wanted !== company.plan;
  const effect = useQuery({ ...planEffectQuery(company.id, wanted), enabled: other });
  const nameOf = (id: string) => plans.data?.find((plan) => plan.id === id)?.name ?? id;
  const options = (plans.data ?? []).map((plan) => ({
    value: plan.id,
    label: plan.id === company.plan ? t('companies.present', { plan: plan.name }) : plan.name,
  }));
  return (
    <section aria-labelledby="plan-title" className="flex max-w-[640px] flex-col gap-3">
      <h2 id="plan-title" className="text-dialog font-semibold">
        {t('companies.change')}
      </h2>
      {plans.isError && plans.data === undefined ? (
        <FailurePanel
          failure={explainError(plans.error, t)}
          lead={t('errors.load')}
          onRetry={() => void plans.refetch()}
        />
      ) : (
        <SelectField
          label={t('companies.move_to')}
          value={wanted}
          options={options.length === 0 ? [{ value: company.plan, label: company.plan }] : options}
          onChange={setWanted}
          className="w-full sm:w-72"
        />
      )}
      <p role="status" className="text-text-2 empty:hidden">
        {!other
          ? null
          : effect.data !== undefined
            ? effectText(effect.data, t, i18n.language)
            : effect.isError
              ? t('companies.effect_failed')
              : t('companies.effect_loading')}
      </p>
      {move.isError ? <FailurePanel failure={explainError(move.error, t)} /> : null}
      <div className="flex flex-wrap gap-2">
        {other ? <Button onClick={() => setWanted(company.plan)}>{t('action.cancel')}</Button> : null}
        <Button
          kind="primary"
          busy={move.isPending}
          unavailable={
            blocked ??
            (other
              ? effect.data === undefined
                ? effect.isError
                  ? t('companies.effect_failed')
                  : t('companies.effect_loading')
                : null
              : t('companies.same'))
          }
          onClick={() =>
            move.mutate(
              { id: company.id, plan: wanted },
              { onSuccess: () => say(t('companies.moved', { company: company.name, plan: nameOf(wanted) })) },
            )
          }
        >
          {t('companies.save')}
        </Button>
      </div>
    </section>
  );
}

function effectText(effect: PlanEffect, t: TFunction, locale: string): string {
  return [
    effect.keys_stop > 0 ? t('companies.effect_stop', { count: effect.keys_stop }) : null,
    effect.keys_start > 0 ? t('companies.effect_start', { count: effect.keys_start }) : null,
    effect.keys_stop + effect.keys_start === 0 ? t('companies.effect_keys_none') : null,
    effect.shared_stops ? t('companies.effect_shared_stops') : null,
    effect.shared_starts ? t('companies.effect_shared_starts') : null,
    effect.credits_usd === null
      ? t('companies.effect_credits_none')
      : t('companies.effect_credits', { amount: formatUsd(effect.credits_usd, locale) }),
    t('companies.effect_next'),
  ]
    .filter((part) => part !== null)
    .join(' ');
}
