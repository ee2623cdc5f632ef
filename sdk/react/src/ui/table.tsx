import type { ReactNode } from 'react';

import { useUi } from './parts.js';

export interface Column<Row> {
  key: string;
  label: string;
  cell: (row: Row) => ReactNode;
  /** Aligned to the end, in tabular figures. */
  isNumber?: boolean;
  /** Only screen readers get its heading. */
  isQuiet?: boolean;
}

interface TableProps<Row> {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
}

/** A table whose rows become blocks in a narrow container. */
export function Table<Row>({ label, columns, rows, keyOf }: TableProps<Row>) {
  const { p } = useUi();
  return (
    <table {...p('table')} aria-label={label}>
      <thead {...p('table-head')}>
        <tr {...p('row')}>
          {columns.map(({ key, label: head, isNumber, isQuiet }) => (
            <th key={key} scope="col" {...p('th', isNumber && 'number')}>
              {isQuiet ? <span {...p('hidden')}>{head}</span> : head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody {...p('table-body')}>
        {rows.map((row) => (
          <tr key={keyOf(row)} {...p('row')}>
            {columns.map(({ key, cell, isNumber }) => (
              <td key={key} data-upay-column={key} {...p('td', isNumber && 'number')}>
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
