// biome-ignore-all lint/a11y/noRedundantRoles: a changed `display` takes the roles of table elements away in some browsers
// biome-ignore-all lint/a11y/useSemanticElements: as above
import type { ReactNode } from 'react';

export interface Column<Row> {
  id: string;
  header: string;
  cell: (row: Row) => ReactNode;
  /** The cell that names the row. */
  names?: boolean;
  /** Classes of cell and header from 640 px: width, alignment. */
  className?: string;
  /** Classes of the cell in a card below 640 px: order, width. */
  card?: string;
  /** The header is for screen readers alone. */
  hideHeader?: boolean;
}

export interface RowGroup<Row> {
  id: string;
  title?: ReactNode;
  rows: readonly Row[];
}

/**
 * One table for every list: a real table from 640 px, cards below. Roles are written out, since changing `display` takes them
 * away in some browsers. Columns line up over all groups.
 */
export function DataTable<Row>(props: {
  caption: string;
  columns: readonly Column<Row>[];
  groups: readonly RowGroup<Row>[];
  rowKey: (row: Row) => string;
  rowClass?: (row: Row) => string;
  compact?: boolean;
}) {
  const { columns } = props;
  const pad = props.compact === true ? 'sm:px-2 sm:py-2' : 'sm:px-3 sm:py-2.5';
  return (
    <div className="overflow-x-auto rounded-card border border-border bg-surface">
      <table role="table" className="block w-full border-collapse sm:table">
        <caption className="sr-only">{props.caption}</caption>
        <thead role="rowgroup" className="sr-only sm:not-sr-only sm:table-header-group">
          <tr role="row" className="text-start text-hint text-text-3">
            {columns.map((column) => (
              <th
                key={column.id}
                role="columnheader"
                scope="col"
                className={`${props.compact === true ? 'px-2' : 'px-3'} py-2 text-start font-medium first:ps-4 last:pe-4 ${column.className ?? ''}`}
              >
                {column.hideHeader === true ? <span className="sr-only">{column.header}</span> : column.header}
              </th>
            ))}
          </tr>
        </thead>
        {props.groups.map((group) => (
          <tbody key={group.id} role="rowgroup" className="block sm:table-row-group">
            {group.title === undefined ? null : (
              <tr role="row" className="block border-t border-border sm:table-row">
                <th
                  role="rowheader"
                  scope="rowgroup"
                  colSpan={columns.length}
                  className="block px-4 pt-4 pb-1 text-start text-hint font-semibold text-text-2 sm:table-cell"
                >
                  {group.title}
                </th>
              </tr>
            )}
            {group.rows.map((row) => (
              <tr
                key={props.rowKey(row)}
                role="row"
                className={`grid grid-cols-2 items-center gap-x-3 gap-y-2 border-t border-border px-4 py-3 sm:table-row sm:p-0 ${props.rowClass?.(row) ?? ''}`}
              >
                {columns.map((column) => (
                  <Cell key={column.id} column={column} row={row} pad={pad} />
                ))}
              </tr>
            ))}
          </tbody>
        ))}
      </table>
    </div>
  );
}

function Cell<Row>({ column, row, pad }: { column: Column<Row>; row: Row; pad: string }) {
  const content = column.cell(row);
  const classes = `min-w-0 font-normal empty:hidden sm:align-middle sm:first:ps-4 sm:last:pe-4 sm:empty:table-cell ${pad} ${column.card ?? ''} ${column.className ?? ''}`;
  if (column.names === true) {
    return (
      <th role="rowheader" scope="row" className={`text-start ${classes}`}>
        {content}
      </th>
    );
  }
  return (
    <td role="cell" className={classes}>
      {content}
    </td>
  );
}
