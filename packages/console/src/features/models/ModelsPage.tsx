import type { ModelList } from '@ownkey/contract/api/providers';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { providersQuery } from '../../api/keys.ts';
import { modelsQuery, operationsQuery } from '../../api/models.ts';
import { useUser } from '../../api/session.ts';
import { formatDay } from '../../format/time.ts';
import { paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { usePageTitle } from '../../routing/page-title.ts';
import { useGo } from '../../routing/use-go.ts';
import { Button } from '../../ui/Button.tsx';
import { buttonStyle } from '../../ui/button-style.ts';
import { EmptyState, FailurePanel, Note, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { PageHeader } from '../../ui/PageHeader.tsx';
import { findModels, ROWS_MAX } from './find-models.ts';
import { ListsAsOf } from './ListsAsOf.tsx';
import { CHOICES_TITLE, ModelChoices } from './ModelChoices.tsx';
import { ModelsFilterBar } from './ModelsFilterBar.tsx';
import { ModelsTable } from './ModelsTable.tsx';
import { isNarrowed, listOnly, type ModelsSearch, modelsSearchValues } from './models-search.ts';

/** Which models can be used, on whose key and at what price; and which one each operation gets. */
export function ModelsPage({ co, search }: { co: string; search: ModelsSearch }) {
  const { t } = useTranslation();
  const go = useGo();
  const user = useUser();
  usePageTitle([t('models.title'), user.company?.name]);
  const change = (next: ModelsSearch, typed = false) =>
    go(paths.models(co, modelsSearchValues({ ...listOnly(search), ...next })), { replace: typed });
  return (
    <div className="flex flex-col gap-8">
      <PageHeader
        title={t('models.title')}
        room="models"
        lead={t('models.lead')}
        actions={<Button onClick={() => document.getElementById(CHOICES_TITLE)?.focus()}>{t('choice.title')}</Button>}
      />
      <Lists co={co} search={search} onChange={change} />
      <ModelChoices co={co} search={search} onChange={change} />
    </div>
  );
}

function Lists(props: { co: string; search: ModelsSearch; onChange: (change: ModelsSearch, typed?: boolean) => void }) {
  const { t } = useTranslation();
  const { co, search, onChange } = props;
  const models = useQuery(modelsQuery);
  const providers = useQuery(providersQuery);
  const operations = useQuery(operationsQuery);
  const skeleton = useSkeleton(models.isPending);
  const names = new Map((providers.data?.data ?? []).map(({ id, name }) => [id, name]));
  const nameOf = (id: string) => names.get(id) ?? id;
  if (models.isError && models.data === undefined) {
    return (
      <FailurePanel
        failure={explainError(models.error, t)}
        lead={t('errors.load')}
        onRetry={() => void models.refetch()}
      />
    );
  }
  if (models.data === undefined) return skeleton ? <SkeletonRows rows={8} label={t('word.loading')} /> : null;
  const { data: all } = models.data;
  const found = findModels(all, search, nameOf);
  return (
    <div className="flex flex-col gap-4">
      <Problems co={co} list={models.data} nameOf={nameOf} />
      {all.length === 0 ? (
        <EmptyState
          actions={
            <Link to={paths.connect(co)} className={buttonStyle('primary')}>
              {t('keys.connect')}
            </Link>
          }
        >
          {t('models.empty')}
        </EmptyState>
      ) : (
        <>
          <ModelsFilterBar search={search} models={all} nameOf={nameOf} onChange={onChange} />
          {found.length === 0 ? (
            <EmptyState
              actions={
                isNarrowed(search) ? (
                  <Button
                    onClick={() => onChange({ q: undefined, provider: undefined, payer: undefined, chat: undefined })}
                  >
                    {t('action.clear_filters')}
                  </Button>
                ) : undefined
              }
            >
              {t('models.no_match')}
            </EmptyState>
          ) : (
            <ModelsTable co={co} models={found.slice(0, ROWS_MAX)} operations={operations.data ?? []} nameOf={nameOf} />
          )}
          <p role="status" className="text-text-2">
            {found.length > ROWS_MAX
              ? t('models.narrow', { shown: ROWS_MAX, count: found.length })
              : t('models.showing', { count: found.length })}
          </p>
          <ListsAsOf models={all} nameOf={nameOf} />
        </>
      )}
    </div>
  );
}

/** Providers whose list could not be read: each says so, and what is shown instead. */
function Problems({ co, list, nameOf }: { co: string; list: ModelList; nameOf: (provider: string) => string }) {
  const { t, i18n } = useTranslation();
  return list.problems.map(({ provider, code }) => {
    const first = list.data.find((model) => model.provider === provider);
    const shown =
      first === undefined
        ? t('models.problem_none')
        : first.as_of === null
          ? t('models.problem_curated')
          : t('models.problem_live', { at: formatDay(first.as_of, i18n.language) });
    return (
      <Note
        key={provider}
        tone="warn"
        actions={
          <Link to={paths.keys(co, { q: nameOf(provider) })} className={buttonStyle('secondary')}>
            {t('models.open_key')}
            <span className="sr-only"> {nameOf(provider)}</span>
          </Link>
        }
      >
        <bdi>{t('models.problem', { provider: nameOf(provider) })}</bdi> {shown}{' '}
        <code className="font-mono text-hint">{code}</code>
      </Note>
    );
  });
}
