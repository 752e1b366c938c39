import type { Operation } from '@ownkey/contract/api/operations';
import type { Model } from '@ownkey/contract/api/providers';
import { useTranslation } from 'react-i18next';
import { formatUsd } from '../../format/money.ts';
import { paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { DataTable } from '../../table/DataTable.tsx';
import { Count, Foreign } from '../../ui/Facts.tsx';
import { PayerMark } from '../../ui/PayerMark.tsx';
import { useMay } from '../keys/use-may.ts';

/** Models on own keys and on the shared one, in one list. */
export function ModelsTable(props: {
  co: string;
  models: readonly Model[];
  operations: readonly Operation[];
  nameOf: (provider: string) => string;
}) {
  const { t } = useTranslation();
  const usedFor = new Map<string, string[]>();
  for (const { name, model } of props.operations) {
    if (model !== null) usedFor.set(model, [...(usedFor.get(model) ?? []), name || t('models.everything_else')]);
  }
  const figure = (id: string, header: string, value: (model: Model) => number | null) => ({
    id,
    header,
    className: 'sm:text-end sm:whitespace-nowrap',
    cell: (model: Model) => {
      const count = value(model);
      return (
        <>
          <span className="block text-hint text-text-2 sm:hidden">{header}</span>
          {count === null ? <span className="text-text-3">–</span> : <Count value={count} />}
        </>
      );
    },
  });
  return (
    <DataTable
      caption={t('models.table')}
      compact
      rowKey={(model) => model.id}
      groups={[{ id: 'models', rows: props.models }]}
      columns={[
        {
          id: 'model',
          header: t('models.column_model'),
          names: true,
          card: 'col-span-2',
          className: 'sm:w-2/5',
          cell: (model) => (
            <>
              <span className="font-mono text-compact">
                <Foreign text={model.name} />
              </span>
              <span className="flex flex-wrap gap-x-2 text-hint text-text-2">
                <Foreign text={props.nameOf(model.provider)} lines={1} />
                {model.chat ? null : <span>{t('models.not_chat')}</span>}
              </span>
            </>
          ),
        },
        {
          id: 'payer',
          header: t('models.payer'),
          className: 'sm:whitespace-nowrap',
          cell: ({ key_source }) => <PayerMark payer={key_source === 'own' ? 'own' : 'shared'} />,
        },
        {
          id: 'price',
          header: t('models.column_price'),
          card: 'text-end',
          className: 'sm:text-end sm:whitespace-nowrap',
          cell: (model) => <Price co={props.co} model={model} />,
        },
        figure('context', t('models.column_context'), (model) => model.context_tokens),
        figure('answer', t('models.column_answer'), (model) => model.max_output_tokens),
        {
          id: 'default',
          header: t('models.column_default'),
          card: 'col-span-2',
          className: 'sm:max-w-48',
          cell: (model) => {
            const operations = usedFor.get(model.id);
            return operations === undefined ? null : (
              <span className="text-compact">
                <span className="text-text-2 sm:hidden">{t('models.column_default')}: </span>
                <Foreign text={operations.join(', ')} />
              </span>
            );
          },
        },
      ]}
    />
  );
}

/** Own prices count on own keys alone, so only there one can be set. */
function Price({ co, model }: { co: string; model: Model }) {
  const { t, i18n } = useTranslation();
  const may = useMay();
  const { input_usd_per_mtok: input, output_usd_per_mtok: output } = model;
  if (input !== null && output !== null) {
    return t('models.pair', { input: formatUsd(input, i18n.language), output: formatUsd(output, i18n.language) });
  }
  return (
    <span className="text-text-2">
      {t('models.no_price')}
      {may.admin && model.key_source === 'own' ? (
        <>
          {' '}
          <Link to={paths.spendPrices(co, { of: model.provider, model: model.name })} className="text-text underline">
            {t('models.set_price')}
            <span className="sr-only"> {model.name}</span>
          </Link>
        </>
      ) : null}
    </span>
  );
}
