import type { Operation } from '@ownkey/contract/api/operations';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { operationsQuery } from '../../api/models.ts';
import { DataTable } from '../../table/DataTable.tsx';
import { Button } from '../../ui/Button.tsx';
import { Count, Foreign, Moment } from '../../ui/Facts.tsx';
import { FailurePanel, SkeletonRows, useSkeleton } from '../../ui/Feedback.tsx';
import { PayerMark } from '../../ui/PayerMark.tsx';
import { useNow } from '../../ui/use-now.ts';
import { useOnline } from '../../ui/use-online.ts';
import { useMay } from '../keys/use-may.ts';
import { ChooseModel } from './ChooseModel.tsx';
import { addressName } from './model-choice.ts';
import type { ModelsSearch } from './models-search.ts';

/** Id of the heading, which a button at the top of the room leads to. */
export const CHOICES_TITLE = 'choices-title';

/** The model of each operation, for calls that leave the choice to the company. */
export function ModelChoices(props: {
  co: string;
  search: ModelsSearch;
  onChange: (change: ModelsSearch, typed?: boolean) => void;
}) {
  const { t } = useTranslation();
  const { search, onChange } = props;
  const may = useMay();
  const online = useOnline();
  const operations = useQuery(operationsQuery);
  const skeleton = useSkeleton(operations.isPending);
  const blocked = !online ? t('permission.offline') : may.admin ? null : t('choice.admins_only', { ask: may.ask });
  const open = operations.data?.find((operation) => addressName(operation) === search.of);
  return (
    <section aria-labelledby={CHOICES_TITLE} className="flex flex-col gap-3">
      <div className="flex flex-wrap items-start justify-between gap-3">
        <div className="min-w-0">
          <h2 id={CHOICES_TITLE} tabIndex={-1} className="text-dialog font-semibold">
            {t('choice.title')}
          </h2>
          <p className="max-w-[70ch] text-text-2">{t('choice.lead')}</p>
        </div>
        <Button unavailable={blocked} onClick={() => onChange({ add: 'yes' })}>
          {t('choice.add')}
        </Button>
      </div>
      {operations.isError && operations.data === undefined ? (
        <FailurePanel
          failure={explainError(operations.error, t)}
          lead={t('errors.load')}
          onRetry={() => void operations.refetch()}
        />
      ) : operations.data === undefined ? (
        skeleton ? (
          <SkeletonRows rows={3} label={t('word.loading')} />
        ) : null
      ) : (
        <Table
          operations={operations.data}
          blocked={blocked}
          onOpen={(operation) => onChange({ of: addressName(operation) })}
        />
      )}
      {blocked === null && (open !== undefined || (search.add === 'yes' && operations.data !== undefined)) ? (
        <ChooseModel key={open?.name ?? 'another'} operation={open ?? null} onClose={() => onChange({}, true)} />
      ) : null}
    </section>
  );
}

function Table(props: {
  operations: readonly Operation[];
  blocked: string | null;
  onOpen: (operation: Operation) => void;
}) {
  const { t } = useTranslation();
  const now = useNow();
  const forAll = props.operations.find(({ name }) => name === '')?.model ?? null;
  return (
    <DataTable
      caption={t('choice.table')}
      rowKey={(operation) => operation.name}
      groups={[{ id: 'operations', rows: props.operations }]}
      columns={[
        {
          id: 'operation',
          header: t('choice.operation'),
          names: true,
          card: 'col-span-2',
          className: 'sm:w-1/4',
          cell: ({ name }) => (
            <span className="font-medium">
              <Foreign text={name || t('choice.everything_else')} lines={1} />
            </span>
          ),
        },
        {
          id: 'model',
          header: t('choice.model'),
          card: 'col-span-2',
          className: 'sm:w-1/3',
          cell: (operation) => <Chosen operation={operation} forAll={forAll} />,
        },
        {
          id: 'calls',
          header: t('choice.calls'),
          className: 'sm:text-end',
          cell: ({ operations }) => (
            <>
              <span className="block text-hint text-text-2 sm:hidden">{t('choice.calls')}</span>
              <Count value={operations} />
            </>
          ),
        },
        {
          id: 'changed',
          header: t('choice.changed'),
          card: 'text-end sm:text-start',
          cell: ({ changed_at, changed_by }) =>
            changed_at === null ? null : (
              <span className="text-text-2">
                <Moment at={changed_at} now={now} />
                {changed_by === null ? null : <Foreign text={changed_by} lines={1} />}
              </span>
            ),
        },
        {
          id: 'actions',
          header: t('keys.column_actions'),
          hideHeader: true,
          card: 'col-span-2',
          className: 'sm:text-end',
          cell: (operation) => (
            <Button unavailable={props.blocked} onClick={() => props.onOpen(operation)}>
              {isBroken(operation) ? t('choice.choose_another') : t('choice.change')}
              <span className="sr-only"> {operation.name || t('choice.everything_else')}</span>
            </Button>
          ),
        },
      ]}
    />
  );
}

function isBroken({ model, key_source }: Operation): boolean {
  return model !== null && key_source === null;
}

function Chosen({ operation, forAll }: { operation: Operation; forAll: string | null }) {
  const { t } = useTranslation();
  const { name, model, key_source } = operation;
  if (model === null) {
    const text = name === '' || forAll === null ? t('choice.none') : t('choice.automatic_is', { model: forAll });
    return (
      <span className="text-text-2">
        <Foreign text={text} />
      </span>
    );
  }
  return (
    <span className="flex flex-wrap items-baseline gap-x-3">
      <span className="font-mono text-compact">
        <Foreign text={model} />
      </span>
      {key_source === null ? (
        <span className="text-bad">{t('choice.cannot')}</span>
      ) : (
        <PayerMark payer={key_source === 'own' ? 'own' : 'shared'} />
      )}
    </span>
  );
}
