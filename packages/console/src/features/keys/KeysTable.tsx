import type { Key } from '@ownkey/contract/api/keys';
import { useTranslation } from 'react-i18next';
import { paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { useGo } from '../../routing/use-go.ts';
import { type Column, DataTable } from '../../table/DataTable.tsx';
import { Button } from '../../ui/Button.tsx';
import { buttonStyle } from '../../ui/button-style.ts';
import { Count, Foreign, Moment } from '../../ui/Facts.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Menu } from '../../ui/Menu.tsx';
import { PayerMark } from '../../ui/PayerMark.tsx';
import { useNow } from '../../ui/use-now.ts';
import { GROUPS, type ProviderRow, payerOf } from './groups.ts';
import { keyMenu } from './key-menu.ts';
import type { KeysSearch } from './keys-search.ts';
import { LastFour } from './LastFour.tsx';
import { NextStepButton } from './NextStepButton.tsx';
import { ProviderTile } from './ProviderTile.tsx';
import { StatusBadge } from './StatusBadge.tsx';
import { nameOfKey, shortLine } from './status.ts';
import type { KeyActions } from './use-key-actions.ts';
import type { May } from './use-may.ts';

/** A line of the table: a key, or a provider without one. */
interface Line {
  row: ProviderRow;
  key: Key | null;
  first: boolean;
}

/** Providers and keys in groups: what pays for what, what is wrong, and its next step. */
export function KeysTable(props: {
  rows: readonly ProviderRow[];
  co: string;
  scope: KeysSearch['scope'];
  may: May;
  act: KeyActions;
}) {
  const { t, i18n } = useTranslation();
  const { co, may, act, scope } = props;
  const go = useGo();
  const now = useNow();
  const reader = { t, locale: i18n.language, now };

  const columns: Column<Line>[] = [
    {
      id: 'key',
      header: t('keys.column_key'),
      names: true,
      card: 'col-span-2',
      className: 'sm:w-[30%]',
      cell: (line) => <NameCell line={line} co={co} />,
    },
    {
      id: 'status',
      header: t('keys.column_status'),
      card: 'col-span-2',
      className: 'sm:w-[26%]',
      cell: ({ key, row }) =>
        key === null ? (
          row.group === 'gated' ? (
            <span className="inline-flex items-center gap-1.5 text-text-2">
              <Icon name="lock" />
              {t('keys.in_plan')}
            </span>
          ) : null
        ) : (
          <>
            <StatusBadge status={key} />
            <span className="block text-compact text-text-2">
              <Foreign text={shortLine(key, reader)} lines={1} />
            </span>
          </>
        ),
    },
    {
      id: 'payer',
      header: t('keys.column_payer'),
      className: 'sm:whitespace-nowrap',
      cell: ({ row }) => <PayerMark payer={payerOf(row)} />,
    },
    {
      id: 'requests',
      header: t('keys.requests'),
      card: 'text-end',
      className: 'sm:text-end sm:whitespace-nowrap',
      cell: ({ key }) =>
        key === null ? null : (
          <span className="text-text-2 sm:text-text">
            <Count value={key.requests_handled} />
            <span className="sm:sr-only"> {t('keys.requests').toLowerCase()}</span>
            {key.last_used_at === null ? null : (
              <span className="hidden text-hint text-text-3 sm:block">
                <Moment at={key.last_used_at} now={now} />
              </span>
            )}
          </span>
        ),
    },
    {
      id: 'actions',
      header: t('keys.column_actions'),
      hideHeader: true,
      className: 'sm:text-end',
      card: 'col-span-2',
      cell: ({ row, key }) => (
        <span className="flex items-center justify-between gap-1 sm:justify-end">
          {key === null ? (
            <>
              <WithoutKey row={row} co={co} scope={scope} may={may} />
              {/* Keeps the buttons of all rows in one column. */}
              <span className="w-8 max-sm:hidden coarse:w-11" />
            </>
          ) : (
            <>
              <NextStepButton row={row} shownKey={key} co={co} may={may} act={act} />
              <Menu
                label={t('keys.row_menu', { name: nameOfKey(key, row.provider.name) })}
                items={keyMenu({ row, key, co, may, act, go, t })}
              />
            </>
          )}
        </span>
      ),
    },
  ];

  const groups = GROUPS.map((group) => ({
    id: group,
    title: t(`state.${group}`),
    rows: props.rows.filter((row) => row.group === group).flatMap(linesOf),
  })).filter((group) => group.rows.length > 0);

  return (
    <DataTable
      caption={t('keys.table')}
      columns={columns}
      groups={groups}
      rowKey={(line) => line.key?.id ?? line.row.provider.id}
      rowClass={() => 'sm:h-14'}
    />
  );
}

function linesOf(row: ProviderRow): Line[] {
  if (row.keys.length === 0) return [{ row, key: null, first: true }];
  return row.keys.map((key, index) => ({ row, key, first: index === 0 }));
}

function NameCell({ line, co }: { line: Line; co: string }) {
  const { t } = useTranslation();
  const { row, key, first } = line;
  const position = key === null ? 0 : row.keys.indexOf(key) + 1;
  return (
    <span className={`flex items-center gap-3 ${first ? '' : 'ps-11'}`}>
      {first ? <ProviderTile name={row.provider.name} /> : null}
      <span className="min-w-0">
        <span className="flex flex-wrap items-baseline gap-x-2 font-medium">
          {key === null ? (
            <bdi>{row.provider.name}</bdi>
          ) : (
            <Link
              to={paths.key(co, key.id)}
              className="underline decoration-border-strong underline-offset-2 hover:decoration-text"
            >
              <bdi>{row.provider.name}</bdi>
            </Link>
          )}
          {key === null ? null : <LastFour last4={key.last4} />}
        </span>
        {key === null ? null : (
          <span className="flex flex-wrap gap-x-2 text-hint text-text-2">
            {key.label === '' ? null : <Foreign text={key.label} lines={1} />}
            {row.keys.length > 1 ? t('keys.order', { position, count: row.keys.length }) : null}
            {row.provider.kind === 'custom' && key.base_url !== null ? <Foreign text={key.base_url} lines={1} /> : null}
          </span>
        )}
      </span>
    </span>
  );
}

function WithoutKey(props: { row: ProviderRow; co: string; scope: KeysSearch['scope']; may: May }) {
  const { t } = useTranslation();
  const go = useGo();
  const { provider } = props.row;
  const name = <span className="sr-only"> {provider.name}</span>;
  if (provider.gated !== null) {
    if (props.may.admin && provider.gated.upgrade_url !== null) {
      return (
        <a href={provider.gated.upgrade_url} target="_blank" rel="noreferrer" className={buttonStyle('secondary')}>
          {t('keys.upgrade')}
          {name}
        </a>
      );
    }
    return (
      <Button unavailable={t('connect.gated', { provider: provider.name, plan: provider.gated.plan })}>
        {t('keys.upgrade')}
        {name}
      </Button>
    );
  }
  const personal = props.scope === 'personal';
  return (
    <Button
      unavailable={personal ? null : props.may.connectCompany}
      onClick={() => go(paths.connectProvider(props.co, provider.id, personal ? { scope: 'personal' } : {}))}
    >
      {t('keys.connect_short')}
      {name}
    </Button>
  );
}
