import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { providersQuery } from '../../api/keys.ts';
import { type PriceScope, pricesQuery, useSavePrice } from '../../api/prices.ts';
import { Button } from '../../ui/Button.tsx';
import { EmptyState, FailurePanel, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { CheckField, SelectField } from '../../ui/Field.tsx';
import { useMessages } from '../../ui/Messages.tsx';
import { Search } from '../../ui/Search.tsx';
import { PricesTable } from './PricesTable.tsx';
import { listSearch, type PricesSearch } from './prices-search.ts';

/** Prices of models: found, filtered, page by page; own ones are set, changed and removed from here. */
export function PricesList(props: {
  scope: PriceScope;
  search: PricesSearch;
  /** Null when own prices may be set, else why not. */
  blocked: string | null;
  onSearch: (search: PricesSearch, typed?: boolean) => void;
}) {
  const { t } = useTranslation();
  const { scope, search, onSearch, blocked } = props;
  const filters = listSearch(search);
  const list = useInfiniteQuery(pricesQuery(scope, filters));
  const skeleton = useSkeleton(list.isPending);
  const filtered = Object.values(filters).some((value) => value !== undefined);
  const prices = list.data?.pages.flatMap((page) => page.data) ?? [];
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-3">
        <Search
          label={t('prices.search')}
          value={search.q ?? ''}
          onChange={(q) => onSearch({ ...filters, q: q === '' ? undefined : q }, true)}
          className="min-w-0 flex-1 basis-48"
        />
        {scope === 'company' ? (
          <ProviderFilter value={search.provider} onChange={(provider) => onSearch({ ...filters, provider })} />
        ) : null}
        <CheckField
          label={t('prices.only_unknown')}
          checked={search.unknown === 'true'}
          onChange={(only) => onSearch({ ...filters, unknown: only ? 'true' : undefined })}
        />
        <Button unavailable={blocked} onClick={() => onSearch({ ...filters, of: search.provider ?? '-' })}>
          {t('prices.set')}
        </Button>
      </div>
      {list.isError && list.data === undefined ? (
        <FailurePanel
          failure={explainError(list.error, t)}
          lead={t('errors.load')}
          onRetry={() => void list.refetch()}
        />
      ) : list.data === undefined ? (
        skeleton ? (
          <SkeletonRows rows={8} label={t('word.loading')} />
        ) : null
      ) : prices.length === 0 ? (
        filtered ? (
          <EmptyState actions={<Button onClick={() => onSearch({})}>{t('action.clear_filters')}</Button>}>
            {search.unknown === 'true' ? t('prices.none_unknown') : t('prices.no_match')}
          </EmptyState>
        ) : (
          <EmptyState>{t('prices.empty')}</EmptyState>
        )
      ) : (
        <PricesWithActions {...props} prices={prices} />
      )}
      {list.data === undefined || prices.length === 0 ? null : (
        <div className="flex flex-wrap items-center gap-4">
          {list.hasNextPage ? (
            <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              {t('prices.load_more')}
            </Button>
          ) : null}
          <p role="status" className="text-text-2">
            {list.hasNextPage
              ? t('audit.showing', { count: prices.length })
              : t('audit.showing_end', { count: prices.length })}
          </p>
        </div>
      )}
    </div>
  );
}

function PricesWithActions(
  props: Parameters<typeof PricesList>[0] & { prices: Parameters<typeof PricesTable>[0]['prices'] },
) {
  const { t } = useTranslation();
  const { say } = useMessages();
  const save = useSavePrice(props.scope);
  const [asked, setAsked] = useState<string | null>(null);
  return (
    <>
      {save.isError ? (
        <FailurePanel
          failure={explainError(save.error, t)}
          lead={`${asked}:`}
          actions={<Button onClick={() => save.reset()}>{t('action.close')}</Button>}
        />
      ) : null}
      <PricesTable
        prices={props.prices}
        scope={props.scope}
        blocked={props.blocked}
        onSet={(price) => props.onSearch({ ...props.search, of: price.provider, model: price.model })}
        onRemove={(price) => {
          setAsked(price.model);
          save.mutate(
            { provider: price.provider, model: price.model, remove: true },
            { onSuccess: () => say(t('prices.removed', { model: price.model })) },
          );
        }}
      />
    </>
  );
}

function ProviderFilter(props: { value: string | undefined; onChange: (provider: string | undefined) => void }) {
  const { t } = useTranslation();
  const providers = useQuery(providersQuery);
  const names = (providers.data?.data ?? []).map(({ id, name }) => ({ value: id, label: name }));
  return (
    <SelectField
      label={t('audit.provider')}
      hideLabel
      value={props.value ?? ''}
      options={[{ value: '', label: t('prices.every_provider') }, ...names]}
      onChange={(id) => props.onChange(id === '' ? undefined : id)}
    />
  );
}
