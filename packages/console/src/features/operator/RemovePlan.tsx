import type { Plan } from '@ownkey/contract/api/operator';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { useRemovePlan } from '../../api/operator.ts';
import { paths } from '../../paths.ts';
import { useGo } from '../../routing/use-go.ts';
import { Button } from '../../ui/Button.tsx';
import { AlertDialog } from '../../ui/Dialog.tsx';
import { FailurePanel } from '../../ui/Feedback.tsx';
import { useMessages } from '../../ui/Messages.tsx';

/** Removes a plan nobody is on; else says who is. */
export function RemovePlan({ plan }: { plan: Plan }) {
  const { t } = useTranslation();
  const go = useGo();
  const { say } = useMessages();
  const remove = useRemovePlan();
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button
        unavailable={plan.companies === 0 ? null : t('plans.in_use', { count: plan.companies })}
        onClick={() => setAsking(true)}
      >
        {t('plans.remove')}
      </Button>
      {asking ? (
        <AlertDialog
          title={<bdi>{t('plans.remove_title', { name: plan.name })}</bdi>}
          keep={t('plans.keep')}
          onKeep={() => setAsking(false)}
          confirm={
            <Button
              kind="danger"
              busy={remove.isPending}
              onClick={() =>
                remove.mutate(plan.id, {
                  onSuccess: () => {
                    say(t('plans.removed', { name: plan.name }));
                    go(paths.operatorPlans(), { replace: true });
                  },
                })
              }
            >
              {t('plans.remove')}
            </Button>
          }
        >
          <p>{t('plans.remove_text')}</p>
          {remove.isError ? <FailurePanel failure={explainError(remove.error, t)} /> : null}
        </AlertDialog>
      ) : null}
    </>
  );
}
