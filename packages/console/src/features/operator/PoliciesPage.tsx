import type { PoliciesUsd } from '@ownkey/contract/api/money';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { policiesQuery, useSavePolicies } from '../../api/operator.ts';
import { usePageTitle } from '../../routing/page-title.ts';
import { useLeaveGuard } from '../../routing/use-leave-guard.ts';
import { Button } from '../../ui/Button.tsx';
import { FailurePanel, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { LeaveQuestion } from '../../ui/LeaveQuestion.tsx';
import { useMessages } from '../../ui/Messages.tsx';
import { PageHeader } from '../../ui/PageHeader.tsx';
import { CeilingFields, FailFields, ParentFields, PolicyCaps, TokenFields } from './PolicyFields.tsx';
import { type PoliciesDraft, policiesBodyOf, policiesDraft } from './policies-draft.ts';

/** What the host fixes for every company. */
export function PoliciesPage() {
  const { t } = useTranslation();
  const policies = useQuery(policiesQuery);
  const skeleton = useSkeleton(policies.isPending);
  usePageTitle([t('policies.title'), t('shell.operator')]);
  return (
    <div className="flex flex-col gap-6">
      <PageHeader title={t('policies.title')} room="policies" lead={t('policies.lead')} />
      {policies.isError && policies.data === undefined ? (
        <FailurePanel
          failure={explainError(policies.error, t)}
          lead={t('errors.load')}
          onRetry={() => void policies.refetch()}
        />
      ) : policies.data === undefined ? (
        skeleton ? (
          <SkeletonRows rows={5} label={t('word.loading')} />
        ) : null
      ) : (
        <Form policies={policies.data} />
      )}
    </div>
  );
}

function Form({ policies }: { policies: PoliciesUsd }) {
  const { t, i18n } = useTranslation();
  const locale = i18n.language;
  const { say } = useMessages();
  const save = useSavePolicies();
  const [start, setStart] = useState(() => policiesDraft(policies, locale));
  const [draft, setDraft] = useState<PoliciesDraft>(start);
  const [checked, setChecked] = useState(false);
  const { body, wrong } = policiesBodyOf(draft, locale);
  const dirty = JSON.stringify(draft) !== JSON.stringify(start);
  const guard = useLeaveGuard(() => dirty);
  const fields = {
    draft,
    wrong: checked ? wrong : new Map<string, number>(),
    onChange: (change: Partial<PoliciesDraft>) => {
      save.reset();
      setDraft((before) => ({ ...before, ...change }));
    },
  };
  return (
    <form
      noValidate
      className="flex max-w-[800px] flex-col gap-6"
      onSubmit={(event) => {
        event.preventDefault();
        setChecked(true);
        if (body === null) return;
        save.mutate(body, {
          onSuccess: (now) => {
            const kept = policiesDraft(now, locale);
            setStart(kept);
            setDraft(kept);
            say(t('policies.saved'));
          },
        });
      }}
    >
      <PolicyCaps {...fields} />
      <FailFields {...fields} />
      <TokenFields {...fields} />
      <CeilingFields {...fields} />
      <ParentFields {...fields} />
      {save.isError ? <FailurePanel failure={explainError(save.error, t)} lead={t('caps.not_saved')} /> : null}
      <div className="flex flex-wrap justify-end gap-2 border-t border-border pt-4">
        <p role="status" className="me-auto text-text-2">
          {dirty ? t('caps.unsaved') : ''}
        </p>
        <Button onClick={() => setDraft(start)}>{t('action.cancel')}</Button>
        <Button type="submit" kind="primary" busy={save.isPending}>
          {t('policies.save')}
        </Button>
      </div>
      <LeaveQuestion guard={guard} />
    </form>
  );
}
