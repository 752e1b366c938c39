import type { AuditLine } from '@ownkey/contract/audit';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { providersQuery } from '../../api/keys.ts';
import { useActorNames } from '../../api/people.ts';
import { exactUsd, formatUsd } from '../../format/money.ts';
import { formatClock, formatStamp, type Zone } from '../../format/time.ts';
import { paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { type Column, DataTable } from '../../table/DataTable.tsx';
import { Foreign, Money } from '../../ui/Facts.tsx';
import { PayerMark } from '../../ui/PayerMark.tsx';
import { useNow } from '../../ui/use-now.ts';
import { type AuditSearch, auditSearchValues } from './audit-search.ts';
import { actorText, isCall, kindWord, payerOfLine, reasonWord, whatText } from './audit-text.ts';

/** Calls and events as a table. A line's text leads to its entry, keeping the filters. */
export function AuditTable(props: { co: string; lines: readonly AuditLine[]; zone: Zone; search: AuditSearch }) {
  const { t, i18n } = useTranslation();
  const { co, zone, search } = props;
  const now = useNow();
  const nameOfActor = useActorNames();
  const providers = useQuery(providersQuery);
  const nameOf = (id: string | null) => providers.data?.data.find((provider) => provider.id === id)?.name ?? id ?? '';

  const columns: Column<AuditLine>[] = [
    {
      id: 'time',
      header: t('audit.column_time'),
      className: 'sm:whitespace-nowrap',
      card: 'text-text-2',
      cell: (line) => (
        <time dateTime={line.at} title={formatStamp(line.at, i18n.language, zone)}>
          {formatClock(line.at, i18n.language, zone, now)}
        </time>
      ),
    },
    {
      id: 'kind',
      header: t('audit.column_kind'),
      card: 'text-end text-text-2 sm:text-start',
      className: 'sm:whitespace-nowrap',
      cell: (line) => kindWord(line.kind, t),
    },
    {
      id: 'what',
      header: t('audit.column_what'),
      names: true,
      card: 'col-span-2',
      className: 'sm:w-full sm:min-w-48',
      cell: (line) => (
        <Link
          to={paths.auditEntry(co, line.request_id ?? line.id, auditSearchValues(search))}
          className="font-medium underline decoration-border-strong underline-offset-2 hover:decoration-text"
        >
          <Foreign text={whatText(line, nameOf(line.provider), t)} />
        </Link>
      ),
    },
    {
      id: 'payer',
      header: t('audit.column_payer'),
      className: 'sm:min-w-32',
      cell: (line) => {
        const payer = payerOfLine(line);
        return payer === null ? null : (
          <PayerMark
            payer={payer}
            note={line.fallback_reason === null ? undefined : reasonWord(line.fallback_reason, t)}
          />
        );
      },
    },
    {
      id: 'provider',
      header: t('audit.column_provider'),
      card: 'text-end sm:text-start',
      className: 'sm:whitespace-nowrap',
      cell: (line) =>
        line.provider === null ? null : (
          <>
            {nameOf(line.provider)}
            {line.last4 === null ? null : <span className="ms-1.5 font-mono text-hint text-text-2">{line.last4}</span>}
          </>
        ),
    },
    {
      id: 'status',
      header: t('audit.column_status'),
      className: 'sm:text-end sm:whitespace-nowrap',
      cell: (line) => <StatusCell line={line} />,
    },
    {
      id: 'cost',
      header: t('audit.column_cost'),
      card: 'text-end',
      className: 'sm:text-end sm:whitespace-nowrap',
      cell: (line) => <CostCell line={line} />,
    },
    {
      id: 'actor',
      header: t('audit.column_actor'),
      card: 'text-text-2',
      className: 'sm:min-w-26 sm:max-w-36',
      cell: (line) => <Foreign text={actorText(line, nameOfActor, t)} lines={1} />,
    },
  ];
  return (
    <DataTable
      caption={t('audit.table')}
      columns={columns}
      groups={[{ id: 'lines', rows: props.lines }]}
      rowKey={(line) => line.id}
      compact
    />
  );
}

function StatusCell({ line }: { line: AuditLine }) {
  const { t } = useTranslation();
  if (line.status === null) return isCall(line) ? <span className="text-text-2">{t('audit.running')}</span> : null;
  return <span className={line.status >= 400 ? 'font-medium text-bad' : ''}>{line.status}</span>;
}

/** Unknown is not 0: a call without a price says so; counted and estimated costs are marked. */
export function CostCell({ line }: { line: AuditLine }) {
  const { t, i18n } = useTranslation();
  if (!isCall(line) || line.status === null) return null;
  if (line.cost_usd === null)
    return line.status < 400 ? <span className="text-text-2">{t('audit.no_price')}</span> : null;
  if (line.cost_basis === 'counted' || line.cost_basis === 'estimated') {
    return (
      <span title={`${exactUsd(line.cost_usd)}, ${line.cost_basis}`}>
        {t('audit.approx', { cost: formatUsd(line.cost_usd, i18n.language) })}
      </span>
    );
  }
  return <Money usd={line.cost_usd} />;
}
