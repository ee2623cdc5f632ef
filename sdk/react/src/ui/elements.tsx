/** The few elements that all components are made of. */
import { useId, useLayoutEffect, useRef, type ComponentProps, type ReactNode } from 'react';

import type { ApiError } from '../core/errors.js';
import { useI18n } from '../react/i18n.js';
import { useParts } from './parts.js';

interface CardProps {
  title: string;
  actions?: ReactNode;
  children: ReactNode;
}

export function Card({ title, actions, children }: CardProps) {
  const p = useParts();
  const id = useId();
  return (
    <section {...p('card')} aria-labelledby={id}>
      <header {...p('card-head')}>
        <h2 {...p('title')} id={id}>
          {title}
        </h2>
        {actions}
      </header>
      {children}
    </section>
  );
}

interface LoadedProps {
  read: { isLoading: boolean; error: ApiError | null; refetch: () => Promise<void> };
  /** How many lines the skeleton has, so that nothing moves when the data is there. */
  lines: number;
  /** In place of the children where there is nothing. */
  empty?: string | false | undefined;
  children: ReactNode;
}

/** A skeleton, then the data, or why there is none and a way to try again. */
export function Loaded({ read, lines, empty, children }: LoadedProps) {
  const p = useParts();
  const { t, errorText } = useI18n();
  if (read.isLoading) return <Skeleton lines={lines} />;
  if (read.error) {
    return (
      <div {...p('failure')} role="alert">
        <p {...p('text')}>{errorText(read.error)}</p>
        <Button onClick={() => void read.refetch()}>{t('action.retry')}</Button>
      </div>
    );
  }
  return empty ? <p {...p('text', 'muted')}>{empty}</p> : children;
}

export function Skeleton({ lines }: { lines: number }) {
  const p = useParts();
  const { t } = useI18n();
  return (
    <div {...p('skeleton')} role="status">
      <span {...p('hidden')}>{t('state.loading')}</span>
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} {...p('skeleton-line')} />
      ))}
    </div>
  );
}

interface ButtonProps extends Omit<ComponentProps<'button'>, 'type' | 'className' | 'style'> {
  kind?: 'primary' | 'danger' | 'plain' | undefined;
  /** Keeps the focus, and takes no click. */
  isBusy?: boolean | undefined;
  isSubmit?: boolean | undefined;
}

export function Button({ kind, isBusy = false, isSubmit = false, onClick, ...rest }: ButtonProps) {
  const p = useParts();
  return (
    <button
      {...p('button', kind)}
      type={isSubmit ? 'submit' : 'button'}
      aria-disabled={isBusy || undefined}
      onClick={(event) => {
        if (isBusy) event.preventDefault();
        else onClick?.(event);
      }}
      {...rest}
    />
  );
}

export function Actions({ children }: { children: ReactNode }) {
  return <div {...useParts()('actions')}>{children}</div>;
}

type Tone = 'good' | 'warn' | 'bad' | 'quiet';

export function Badge({ tone, children }: { tone: Tone; children: ReactNode }) {
  return <span {...useParts()('badge', tone)}>{children}</span>;
}

interface NoticeProps {
  tone: 'good' | 'warn';
  children: ReactNode;
}

export function Notice({ tone, children }: NoticeProps) {
  return <div {...useParts()('notice', tone)}>{children}</div>;
}

/** Always there, so that what appears in it is read out. */
export function Status({ children }: { children?: ReactNode }) {
  const p = useParts();
  return (
    <div {...p('live')} role="status">
      {children ? <p {...p('notice', 'good')}>{children}</p> : null}
    </div>
  );
}

export function Failure({ error }: { error: ApiError | null }) {
  const p = useParts();
  const { errorText } = useI18n();
  return (
    <div {...p('live')} role="alert">
      {error ? <p {...p('notice', 'bad')}>{errorText(error)}</p> : null}
    </div>
  );
}

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
}

/** Open as long as it is rendered. The browser keeps the focus inside, and gives it back. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const p = useParts();
  const { t } = useI18n();
  const id = useId();
  const ref = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={ref}
      {...p('dialog')}
      aria-labelledby={id}
      onClose={() => {
        // Strict mode closes it and opens it again, and this comes later.
        if (!ref.current?.open) onClose();
      }}
    >
      <header {...p('card-head')}>
        <h2 {...p('title')} id={id}>
          {title}
        </h2>
        <button {...p('close')} type="button" aria-label={t('action.close')} onClick={onClose}>
          <svg {...p('icon')} viewBox="0 0 16 16" aria-hidden="true">
            <path d="M3.5 3.5l9 9m0-9l-9 9" />
          </svg>
        </button>
      </header>
      {children}
    </dialog>
  );
}

interface FieldProps extends Omit<ComponentProps<'input'>, 'className' | 'style' | 'onChange'> {
  label: string;
  error?: string | undefined;
  onValue?: (value: string) => void;
}

export function Field({ label, error, onValue, ...rest }: FieldProps) {
  const p = useParts();
  const id = useId();
  return (
    <label {...p('field')}>
      <span {...p('label')}>{label}</span>
      <input
        {...p('input')}
        aria-invalid={error ? true : undefined}
        aria-describedby={error ? id : undefined}
        onChange={(event) => onValue?.(event.target.value)}
        {...rest}
      />
      {error ? (
        <span {...p('field-error')} id={id}>
          {error}
        </span>
      ) : null}
    </label>
  );
}

interface ChoiceProps {
  label: string;
  options: readonly { value: string; label: string; detail?: string }[];
  value: string;
  onValue: (value: string) => void;
}

/** One of several, as a group of radio buttons. */
export function Choice({ label, options, value, onValue }: ChoiceProps) {
  const p = useParts();
  const name = useId();
  return (
    <fieldset {...p('choice')}>
      <legend {...p('label')}>{label}</legend>
      {options.map((option) => (
        <label key={option.value} {...p('choice-row')}>
          <input
            {...p('radio')}
            type="radio"
            name={name}
            value={option.value}
            checked={option.value === value}
            onChange={() => {
              onValue(option.value);
            }}
          />
          <span {...p('choice-label')}>{option.label}</span>
          {option.detail ? <span {...p('choice-detail')}>{option.detail}</span> : null}
        </label>
      ))}
    </fieldset>
  );
}

export interface Column<Row> {
  key: string;
  label: string;
  cell: (row: Row) => ReactNode;
  /** At the end of its cell, in figures of one width. */
  isNumber?: boolean;
  /** Its head is for screen readers alone. */
  isQuiet?: boolean;
}

interface TableProps<Row> {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
}

/** Where it is narrow each row becomes a block of its own. */
export function Table<Row>({ label, columns, rows, keyOf }: TableProps<Row>) {
  const p = useParts();
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

interface MoreProps {
  list: { hasMore: boolean; isFetchingMore: boolean; fetchMore: () => Promise<void> };
}

export function More({ list }: MoreProps) {
  const { t } = useI18n();
  if (!list.hasMore) return null;
  return (
    <Actions>
      <Button kind="plain" isBusy={list.isFetchingMore} onClick={() => void list.fetchMore()}>
        {t(list.isFetchingMore ? 'action.working' : 'action.showMore')}
      </Button>
    </Actions>
  );
}
