import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { sharedKeysQuery, sharedProvidersQuery } from '../../api/shared-keys.ts';
import { OPERATOR, paths } from '../../paths.ts';
import { usePageTitle } from '../../routing/page-title.ts';
import { useGo } from '../../routing/use-go.ts';
import { Button } from '../../ui/Button.tsx';
import { EmptyState, FailurePanel, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { PageHeader } from '../../ui/PageHeader.tsx';
import { Search } from '../../ui/Search.tsx';
import { useNow } from '../../ui/use-now.ts';
import { countStates, filterRows, providerRows } from '../keys/groups.ts';
import { KeysTable } from '../keys/KeysTable.tsx';
import { type KeysSearch, keysSearchValues } from '../keys/keys-search.ts';
import { StateLinks } from '../keys/StateLinks.tsx';
import { useKeyActions } from '../keys/use-key-actions.ts';
import { useMay } from '../keys/use-may.ts';

/** The operator's keys, with the same table as a company's. `children` is the dialog whose address is open over it. */
export function SharedKeysPage({ search, children }: { search: KeysSearch; children?: ReactNode }) {
  const { t } = useTranslation();
  const go = useGo();
  const may = useMay();
  usePageTitle([t('shared_keys.title'), t('shell.operator')]);
  return (
    <div className="flex flex-col gap-6">
      <PageHeader
        title={t('shared_keys.title')}
        room="shared-keys"
        lead={t('shared_keys.lead')}
        actions={
          <Button
            kind="primary"
            unavailable={may.connectCompany}
            onClick={() => go(paths.connect(OPERATOR))}
            className="max-sm:w-full"
          >
            {t('keys.connect')}
          </Button>
        }
      />
      <SharedKeysList search={search} />
      {children}
    </div>
  );
}

function SharedKeysList({ search }: { search: KeysSearch }) {
  const { t } = useTranslation();
  const go = useGo();
  const may = useMay();
  const act = useKeyActions();
  const now = useNow();
  const keys = useQuery(sharedKeysQuery);
  const providers = useQuery(sharedProvidersQuery);
  const skeleton = useSkeleton(keys.isPending || providers.isPending);
  const setSearch = (change: Partial<KeysSearch>) =>
    go(paths.keys(OPERATOR, keysSearchValues({ ...search, ...change })), { replace: change.q !== undefined });

  const failed = providers.data === undefined ? providers : keys.data === undefined ? keys : null;
  if (failed?.isError) {
    return (
      <FailurePanel
        failure={explainError(failed.error, t)}
        lead={t('errors.load')}
        onRetry={() => {
          void keys.refetch();
          void providers.refetch();
        }}
      />
    );
  }
  if (keys.data === undefined || providers.data === undefined) {
    return skeleton ? <SkeletonRows rows={8} label={t('word.loading')} /> : null;
  }
  const rows = providerRows(providers.data.data, keys.data, 'shared', now);
  const shown = filterRows(rows, search.state, search.q);
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-3">
        <StateLinks co={OPERATOR} search={search} counts={countStates(rows)} />
        <Search
          label={t('keys.search')}
          value={search.q}
          onChange={(q) => setSearch({ q })}
          className="w-full sm:ms-auto sm:w-44"
        />
      </div>
      {act.problem === null ? null : (
        <FailurePanel
          failure={act.problem.failure}
          lead={`${act.problem.name}:`}
          actions={<Button onClick={act.dismiss}>{t('action.close')}</Button>}
        />
      )}
      {keys.data.length === 0 && search.q === '' && search.state === 'all' ? (
        <EmptyState
          actions={
            <Button unavailable={may.connectCompany} onClick={() => go(paths.connect(OPERATOR))}>
              {t('keys.connect')}
            </Button>
          }
        >
          {t('shared_keys.empty')}
        </EmptyState>
      ) : null}
      {shown.length === 0 ? (
        <EmptyState
          actions={<Button onClick={() => setSearch({ q: '', state: 'all' })}>{t('action.clear_filters')}</Button>}
        >
          {t('keys.no_match')}
        </EmptyState>
      ) : (
        <KeysTable rows={shown} co={OPERATOR} scope="company" may={may} act={act} />
      )}
    </div>
  );
}
