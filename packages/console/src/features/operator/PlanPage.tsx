import type { Plan } from '@ownkey/contract/api/operator';
import { useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { planQuery, useSavePlan } from '../../api/operator.ts';
import { paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { usePageTitle } from '../../routing/page-title.ts';
import { useGo } from '../../routing/use-go.ts';
import { useLeaveGuard } from '../../routing/use-leave-guard.ts';
import { Button } from '../../ui/Button.tsx';
import { FailurePanel, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { LeaveQuestion } from '../../ui/LeaveQuestion.tsx';
import { useMessages } from '../../ui/Messages.tsx';
import { PageHeader } from '../../ui/PageHeader.tsx';
import { PlanFields } from './PlanFields.tsx';
import { NEW_PLAN, type PlanDraft, planBodyOf, planDraft } from './plan-draft.ts';
import { RemovePlan } from './RemovePlan.tsx';

/** One plan as a form, or a new one. */
export function PlanPage({ id }: { id: string }) {
  const { t } = useTranslation();
  const isNew = id === NEW_PLAN;
  const plan = useQuery({ ...planQuery(id), enabled: !isNew });
  const skeleton = useSkeleton(plan.isPending && !isNew);
  const title = isNew ? t('plans.new_title') : (plan.data?.name ?? id);
  usePageTitle([title, t('plans.title'), t('shell.operator')]);
  return (
    <div className="flex flex-col gap-6">
      <PageHeader
        title={<bdi>{title}</bdi>}
        room={`plan ${id}`}
        above={
          <Link to={paths.operatorPlans()} className="self-start py-1 text-text-2 underline underline-offset-2">
            {t('plans.title')}
          </Link>
        }
        lead={
          plan.data === undefined
            ? undefined
            : plan.data.companies === 0
              ? t('plans.touches_none')
              : t('plans.touches', { count: plan.data.companies })
        }
        actions={plan.data === undefined ? undefined : <RemovePlan plan={plan.data} />}
      />
      {isNew ? (
        <Form plan={null} />
      ) : plan.isError && plan.data === undefined ? (
        <FailurePanel
          failure={explainError(plan.error, t)}
          lead={t('errors.load')}
          onRetry={() => void plan.refetch()}
        />
      ) : plan.data === undefined ? (
        skeleton ? (
          <SkeletonRows rows={5} label={t('word.loading')} />
        ) : null
      ) : (
        <Form plan={plan.data} />
      )}
    </div>
  );
}

function Form({ plan }: { plan: Plan | null }) {
  const { t, i18n } = useTranslation();
  const go = useGo();
  const { say } = useMessages();
  const save = useSavePlan();
  const [start] = useState(() => planDraft(plan, i18n.language));
  const [draft, setDraft] = useState<PlanDraft>(start);
  const [checked, setChecked] = useState(false);
  const saved = useRef(false);
  const { body, wrong } = planBodyOf(draft, i18n.language);
  const guard = useLeaveGuard(() => JSON.stringify(draft) !== JSON.stringify(start) && !saved.current);
  return (
    <form
      noValidate
      className="flex max-w-[640px] flex-col gap-6"
      onSubmit={(event) => {
        event.preventDefault();
        setChecked(true);
        if (body === null) return;
        save.mutate(
          { id: draft.id, body },
          {
            onSuccess: ({ name }) => {
              saved.current = true;
              say(t('plans.saved', { name }));
              go(paths.operatorPlans());
            },
          },
        );
      }}
    >
      <PlanFields
        draft={draft}
        isNew={plan === null}
        wrong={checked ? wrong : new Set()}
        onChange={(change) => {
          save.reset();
          setDraft((before) => ({ ...before, ...change }));
        }}
      />
      {save.isError ? <FailurePanel failure={explainError(save.error, t)} lead={t('caps.not_saved')} /> : null}
      <div className="flex flex-wrap justify-end gap-2 border-t border-border pt-4">
        <Button onClick={() => go(paths.operatorPlans())}>{t('action.cancel')}</Button>
        <Button type="submit" kind="primary" busy={save.isPending}>
          {t('plans.save')}
        </Button>
      </div>
      <LeaveQuestion guard={guard} />
    </form>
  );
}
