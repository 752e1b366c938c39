import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { keysQuery, providersQuery } from '../../api/keys.ts';
import { useUser } from '../../api/session.ts';
import { paths } from '../../paths.ts';
import { usePageTitle } from '../../routing/page-title.ts';
import { useGo } from '../../routing/use-go.ts';
import { Button } from '../../ui/Button.tsx';
import { EmptyState, FailurePanel, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { PageHeader } from '../../ui/PageHeader.tsx';
import { Search } from '../../ui/Search.tsx';
import { Segmented } from '../../ui/Segmented.tsx';
import { useNow } from '../../ui/use-now.ts';
import { countStates, filterRows, providerRows } from './groups.ts';
import { KeysTable } from './KeysTable.tsx';
import { type KeysSearch, keysSearchValues } from './keys-search.ts';
import { StateLinks } from './StateLinks.tsx';
import { useKeyActions } from './use-key-actions.ts';
import { useMay } from './use-may.ts';

/** The room Model keys. `children` is the dialog whose address is open over it. */
export function KeysPage({ co, search, children }: { co: string; search: KeysSearch; children?: ReactNode }) {
  const { t } = useTranslation();
  const go = useGo();
  const may = useMay();
  const user = useUser();
  usePageTitle([t('keys.title'), user.company?.name]);
  const personal = search.scope === 'personal';
  const setSearch = (change: Partial<KeysSearch>) =>
    go(paths.keys(co, keysSearchValues({ ...search, ...change })), { replace: change.q !== undefined });

  return (
    <div className="flex flex-col gap-6">
      <PageHeader
        title={t('keys.title')}
        room="keys"
        lead={personal ? t('keys.lead_personal') : t('keys.lead')}
        actions={
          <Button
            kind="primary"
            unavailable={personal ? null : may.connectCompany}
            onClick={() => go(paths.connect(co, personal ? { scope: 'personal' } : {}))}
            className="max-sm:w-full"
          >
            {t('keys.connect')}
          </Button>
        }
      />
      <KeysList co={co} search={search} setSearch={setSearch} />
      {children}
    </div>
  );
}

function KeysList(props: { co: string; search: KeysSearch; setSearch: (change: Partial<KeysSearch>) => void }) {
  const { t } = useTranslation();
  const { co, search, setSearch } = props;
  const go = useGo();
  const may = useMay();
  const act = useKeyActions();
  const now = useNow();
  const keys = useQuery(keysQuery);
  const providers = useQuery(providersQuery);
  const skeleton = useSkeleton(keys.isPending || providers.isPending);

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

  const rows = providerRows(providers.data.data, keys.data, search.scope, now);
  const counts = countStates(rows);
  const shown = filterRows(rows, search.state, search.q);
  const none = rows.every((row) => row.keys.length === 0);
  const anyShared = providers.data.data.some((provider) => provider.platform_key);
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-3">
        <Segmented
          label={t('keys.scope')}
          value={search.scope}
          segments={[
            { value: 'company', label: t('keys.company') },
            { value: 'personal', label: t('keys.personal') },
          ]}
          onChange={(scope) => setSearch({ scope })}
        />
        <StateLinks co={co} search={search} counts={counts} />
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
      {none && search.q === '' && search.state === 'all' ? (
        <EmptyState
          actions={
            <Button
              unavailable={search.scope === 'personal' ? null : may.connectCompany}
              onClick={() => go(paths.connect(co, search.scope === 'personal' ? { scope: 'personal' } : {}))}
            >
              {t('keys.connect')}
            </Button>
          }
        >
          {anyShared ? t('keys.empty') : t('keys.empty_no_shared')}
        </EmptyState>
      ) : null}
      {shown.length === 0 ? (
        <EmptyState
          actions={<Button onClick={() => setSearch({ q: '', state: 'all' })}>{t('action.clear_filters')}</Button>}
        >
          {t('keys.no_match')}
        </EmptyState>
      ) : (
        <KeysTable rows={shown} co={co} scope={search.scope} may={may} act={act} />
      )}
    </div>
  );
}
