import type { ListedPrice } from '@ownkey/contract/api/prices';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { providersQuery } from '../../api/keys.ts';
import type { PriceScope } from '../../api/prices.ts';
import { formatDay } from '../../format/time.ts';
import { type Column, DataTable } from '../../table/DataTable.tsx';
import { Button } from '../../ui/Button.tsx';
import { Foreign, Money } from '../../ui/Facts.tsx';
import { Menu } from '../../ui/Menu.tsx';
import { rateNotes } from './rate-text.ts';

/** Rates per million tokens, where they come from, since when. A model without a price says so. */
export function PricesTable(props: {
  prices: readonly ListedPrice[];
  scope: PriceScope;
  blocked: string | null;
  onSet: (price: ListedPrice) => void;
  onRemove: (price: ListedPrice) => void;
}) {
  const { t } = useTranslation();
  const providers = useQuery({ ...providersQuery, enabled: props.scope === 'company' });
  const nameOf = (id: string) => providers.data?.data.find((provider) => provider.id === id)?.name ?? id;
  const rate = (id: string, header: string, of: (price: NonNullable<ListedPrice['price']>) => string) =>
    ({
      id,
      header,
      className: 'sm:text-end sm:whitespace-nowrap',
      card: 'text-compact',
      cell: ({ price }) =>
        price === null ? null : (
          <>
            <span className="text-text-2 sm:hidden">{header} </span>
            <Money usd={of(price)} />
          </>
        ),
    }) satisfies Column<ListedPrice>;

  const columns: Column<ListedPrice>[] = [
    {
      id: 'model',
      header: t('prices.column_model'),
      names: true,
      card: 'col-span-2',
      className: 'sm:w-[34%]',
      cell: (price) => (
        <>
          <span className="font-mono text-compact font-medium">
            <Foreign text={price.model} />
          </span>
          <span className="block text-hint text-text-2">
            <bdi>{nameOf(price.provider)}</bdi>
          </span>
        </>
      ),
    },
    rate('input', t('prices.column_input'), (price) => price.input_usd_per_mtok),
    rate('cached', t('prices.column_cached'), (price) => price.cached_input_usd_per_mtok),
    rate('output', t('prices.column_output'), (price) => price.output_usd_per_mtok),
    {
      id: 'source',
      header: t('prices.column_source'),
      card: 'col-span-2',
      className: 'sm:w-[26%]',
      cell: (price) => <Source price={price} scope={props.scope} />,
    },
    {
      id: 'actions',
      header: t('keys.column_actions'),
      hideHeader: true,
      card: 'col-span-2',
      className: 'sm:text-end',
      cell: (price) =>
        price.origin === props.scope ? (
          <Menu
            label={t('keys.row_menu', { name: price.model })}
            items={[
              { label: t('prices.change'), unavailable: props.blocked, onSelect: () => props.onSet(price) },
              {
                label: t('prices.remove'),
                unavailable: props.blocked,
                danger: true,
                onSelect: () => props.onRemove(price),
              },
            ]}
          />
        ) : price.price === null || price.in_force ? (
          <Button unavailable={props.blocked} onClick={() => props.onSet(price)}>
            {price.price === null ? t('prices.set') : t('prices.set_own')}
            <span className="sr-only"> {price.model}</span>
          </Button>
        ) : null,
    },
  ];
  return (
    <DataTable
      caption={t('prices.table')}
      columns={columns}
      groups={[{ id: 'prices', rows: props.prices }]}
      rowKey={(price) => price.id ?? `${price.provider}/${price.model}`}
      rowClass={(price) => (price.price === null || price.in_force ? '' : 'text-text-3')}
      compact
    />
  );
}

/** Where a price comes from and since when, and what it charges beside its rates. */
function Source({ price, scope }: { price: ListedPrice; scope: PriceScope }) {
  const { t, i18n } = useTranslation();
  if (price.price === null) return <span className="font-medium text-warn">{t('audit.no_price')}</span>;
  const since = price.valid_from === null ? null : formatDay(price.valid_from, i18n.language, 'utc');
  const ended = price.ended_at === null ? null : formatDay(price.ended_at, i18n.language, 'utc');
  const notes = rateNotes(price.price, t, i18n.language);
  return (
    <>
      <span className={price.origin === scope ? 'font-medium' : 'text-text-2'}>
        {price.origin === null ? null : t(`prices.origin_${price.origin}`)}
      </span>
      <span className="block text-hint text-text-2">
        {[
          price.source,
          since === null ? null : t('prices.since', { at: since }),
          ended === null ? null : t('prices.until', { at: ended }),
          price.in_force ? null : t('prices.not_in_force'),
        ]
          .filter((part) => part !== null)
          .join(' · ')}
      </span>
      {notes.map((note) => (
        <span key={note} className="block text-hint text-text-2">
          {note}
        </span>
      ))}
    </>
  );
}
