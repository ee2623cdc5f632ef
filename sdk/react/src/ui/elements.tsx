/** Basic elements: cards, buttons, notices, dialogs. */
import {
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
  type ComponentProps,
  type ReactNode,
} from 'react';

import type { ApiError } from '../core/errors.js';
import type { Read } from '../react/read.js';
import { useHeading, useUi } from './parts.js';

interface CardProps {
  title: string;
  /** A short text beside the title. */
  detail?: string | false | undefined;
  actions?: ReactNode;
  children: ReactNode;
}

/** A section. It takes the focus when the focused element inside it is removed. */
export function Card({ title, detail, actions, children }: CardProps) {
  const { p } = useUi();
  const Heading = useHeading();
  const id = useId();
  const ref = useRef<HTMLElement>(null);
  const last = useRef<Element>(null);
  useEffect(() => {
    if (last.current?.isConnected === false) giveFocus(ref.current);
  });
  return (
    <section
      ref={ref}
      {...p('card')}
      aria-labelledby={id}
      tabIndex={-1}
      onFocus={(event) => {
        last.current = event.target;
      }}
    >
      <header {...p('card-head')}>
        <Heading {...p('title')} id={id}>
          {title}
          {detail ? <small {...p('title-detail')}>{detail}</small> : null}
        </Heading>
        {actions}
      </header>
      {children}
    </section>
  );
}

interface LoadedProps {
  read: Read<unknown>;
  /** The height of the skeleton, so that the layout does not shift when the data arrives. */
  lines: number;
  /** Replaces the children when the list is empty. */
  empty?: string | false | undefined;
  /** Leads on from the empty list. */
  next?: ReactNode;
  /** There is earlier data, which stays visible when a refetch fails. */
  has?: boolean;
  children: ReactNode;
}

/** Shows a skeleton, then the children, or the error and a retry button. */
export function Loaded({ read, lines, empty, next, has = false, children }: LoadedProps) {
  const { p, t, errorText } = useUi();
  const { isLoading, isFetching, error, refetch } = read;
  if (isLoading) return <Skeleton lines={lines} />;
  const shown = empty ? (
    <>
      <p {...p('text', 'muted')}>{empty}</p>
      {next}
    </>
  ) : (
    children
  );
  if (!error) return shown;
  return (
    <>
      <div {...p('failure')} role="alert">
        <p {...p('text')}>{errorText(error)}</p>
        <Button isBusy={isFetching} onClick={() => void refetch()}>
          {t('action.retry')}
        </Button>
      </div>
      {has ? shown : null}
    </>
  );
}

export function Skeleton({ lines }: { lines: number }) {
  const { p, t } = useUi();
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
  kind?: 'primary' | 'danger' | 'plain' | 'quiet' | 'link' | undefined;
  /** The action is in progress; the label says so. */
  isBusy?: boolean | undefined;
  /** Ignores clicks but keeps the focus, unlike `disabled`. */
  isOff?: boolean | undefined;
  isSubmit?: boolean | undefined;
}

export function Button({
  kind,
  isBusy = false,
  isOff = isBusy,
  isSubmit = false,
  onClick,
  children,
  ...rest
}: ButtonProps) {
  const { p, t } = useUi();
  return (
    <button
      {...p('button', kind)}
      type={isSubmit ? 'submit' : 'button'}
      aria-disabled={isOff || undefined}
      onClick={(event) => {
        if (isOff) event.preventDefault();
        else onClick?.(event);
      }}
      {...rest}
    >
      <Text>{isBusy ? t('action.working') : children}</Text>
    </button>
  );
}

/**
 * Text that can change. Each text has an element of its own, because browser translation replaces
 * text nodes, after which React can no longer update or remove them.
 */
export function Text({ children }: { children?: ReactNode }) {
  return typeof children === 'string' ? <span key={children}>{children}</span> : children;
}

export interface ActionsProps {
  onCancel?: (() => void) | undefined;
  children?: ReactNode;
}

/** A row of buttons, led by Cancel if there is `onCancel`. */
export function Actions({ onCancel, children }: ActionsProps) {
  const { p, t } = useUi();
  return (
    <div {...p('actions')}>
      {onCancel ? (
        <Button
          onClick={() => {
            onCancel();
          }}
        >
          {t('action.cancel')}
        </Button>
      ) : null}
      {children}
    </div>
  );
}

type Tone = 'good' | 'warn' | 'bad' | 'quiet';

export function Badge({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <span {...useUi().p('badge', tone)}>
      <Text>{children}</Text>
    </span>
  );
}

interface NoticeProps {
  tone: 'quiet' | 'warn';
  children: ReactNode;
}

export function Notice({ tone, children }: NoticeProps) {
  return (
    <div {...useUi().p('notice', tone)}>
      <Text>{children}</Text>
    </div>
  );
}

/** A live region. It is always rendered, so that screen readers announce what appears in it. */
export function Status({ children }: { children?: ReactNode }) {
  const { p } = useUi();
  return (
    <div {...p('live')} role="status">
      {children ? (
        <p {...p('notice', 'good')}>
          <Text>{children}</Text>
        </p>
      ) : null}
    </div>
  );
}

interface FailureProps {
  error: ApiError | null;
  /** Replaces the error's own text. */
  text?: string | undefined;
}

export function Failure({ error, text }: FailureProps) {
  const { t, errorText } = useUi();
  return (
    <Alert>
      {error ? (
        <>
          <Text>{text ?? errorText(error)}</Text> {error.status ? null : t('error.once')}
        </>
      ) : null}
    </Alert>
  );
}

/** A live region for errors. It is always rendered, like `Status`. */
export function Alert({ children }: { children?: ReactNode }) {
  const { p } = useUi();
  return (
    <div {...p('live')} role="alert">
      {children ? (
        <p {...p('notice', 'bad')}>
          <Text>{children}</Text>
        </p>
      ) : null}
    </div>
  );
}

interface DetailsProps {
  summary: string;
  /** A text at the end of the summary. */
  detail?: string | undefined;
  onOpen?: (isOpen: boolean) => void;
  children: ReactNode;
}

/** Content that the reader can unfold. */
export function Details({ summary, detail, onOpen, children }: DetailsProps) {
  const { p } = useUi();
  return (
    <details
      {...p('details')}
      onToggle={(event) => {
        onOpen?.(event.currentTarget.open);
      }}
    >
      <summary {...p('details-head')}>
        {summary}
        {detail ? (
          <span {...p('details-detail')}>
            <Text>{detail}</Text>
          </span>
        ) : null}
      </summary>
      {children}
    </details>
  );
}

interface DialogProps {
  title: string;
  isWide?: boolean;
  onClose: () => void;
  children: ReactNode;
}

/**
 * A modal dialog that is open while it is rendered. The browser keeps the focus inside. Escape and
 * the close button ask before they drop what the customer has typed.
 */
export function Dialog({ title, isWide = false, onClose, children }: DialogProps) {
  const { p, t } = useUi();
  const id = useId();
  const ref = useRef<HTMLDialogElement>(null);
  const isTyped = useRef(false);
  const [isAsking, setAsking] = useState(false);
  const close = () => {
    if (isTyped.current && !isAsking) setAsking(true);
    else onClose();
  };
  useLayoutEffect(() => {
    const dialog = ref.current;
    const opener = document.activeElement as HTMLElement | null;
    dialog?.showModal();
    // Focuses the title rather than the close button.
    dialog?.querySelector<HTMLElement>('h2')?.focus();
    return () => {
      dialog?.close();
      // Browsers restore the focus themselves, except when two dialogs close at once.
      giveFocus(opener);
    };
  }, []);
  useEffect(() => {
    // The next step has another title. Whatever had the focus may be gone.
    if (!ref.current?.contains(document.activeElement)) ref.current?.querySelector('h2')?.focus();
    isTyped.current = false;
  }, [title]);
  return (
    <dialog
      ref={ref}
      {...p('dialog', isWide && 'wide')}
      aria-labelledby={id}
      onInput={({ currentTarget, target }) => {
        // A dialog inside of this one has its own.
        const isMine = (target as Element).closest('dialog') === currentTarget;
        if (isMine && (target as Element).matches(TYPED)) isTyped.current = true;
      }}
      onKeyDown={(event) => {
        const isMine = (event.target as Element).closest('dialog') === event.currentTarget;
        if (event.key !== 'Escape' || !isMine || !isTyped.current) return;
        event.preventDefault();
        setAsking(!isAsking);
      }}
      onCancel={(event) => {
        // The back gesture of a phone closes without a key.
        if (event.target !== event.currentTarget || !isTyped.current) return;
        event.preventDefault();
        setAsking(true);
      }}
      onClose={() => {
        // The event arrives late: after Strict Mode has opened the dialog again, or, under Preact,
        // after the dialog is gone because its task is done.
        if (ref.current?.open === false) onClose();
      }}
    >
      <header {...p('card-head')}>
        <h2 {...p('title')} id={id} tabIndex={-1}>
          {title}
        </h2>
        <button {...p('close')} type="button" aria-label={t('action.close')} onClick={close}>
          <svg {...p('icon')} viewBox="0 0 16 16" aria-hidden="true">
            <path d="M3.5 3.5l9 9m0-9l-9 9" />
          </svg>
        </button>
      </header>
      {isAsking ? (
        <Discard
          onKeep={() => {
            setAsking(false);
          }}
          onDiscard={onClose}
        />
      ) : null}
      {children}
    </dialog>
  );
}

/** The fields whose content is lost when a dialog closes. */
const TYPED = 'textarea, select, input:not([type=radio], [type=checkbox])';

interface DiscardProps {
  onKeep: () => void;
  onDiscard: () => void;
}

/** Asks whether to drop what was typed. */
function Discard({ onKeep, onDiscard }: DiscardProps) {
  const { p, t } = useUi();
  const ref = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    ref.current?.querySelector('button')?.focus();
    return () => {
      giveFocus(before);
    };
  }, []);
  return (
    <div ref={ref} {...p('notice', 'warn')} role="alert">
      <Text>{t('discard.title')}</Text>
      <Actions>
        <Button onClick={onKeep}>{t('discard.keep')}</Button>
        <Button
          kind="danger"
          onClick={() => {
            onDiscard();
          }}
        >
          {t('discard.discard')}
        </Button>
      </Actions>
    </div>
  );
}

/** Focuses `to` after this render if nothing else has the focus. */
function giveFocus(to: HTMLElement | null) {
  queueMicrotask(() => {
    if (document.activeElement === document.body) to?.focus({ preventScroll: true });
  });
}

export interface Option {
  value: string;
  label: string;
}

interface SelectProps extends Pick<
  ComponentProps<'select'>,
  | 'aria-describedby'
  | 'aria-invalid'
  | 'aria-label'
  | 'autoComplete'
  | 'id'
  | 'onInvalid'
  | 'required'
  | 'value'
> {
  options: readonly Option[];
  onValue: (value: string) => void;
}

export function Select({ options, onValue, ...rest }: SelectProps) {
  const { p } = useUi();
  return (
    <select
      {...p('select')}
      onChange={(event) => {
        onValue(event.target.value);
      }}
      {...rest}
    >
      {options.map(({ value, label }) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
    </select>
  );
}

interface MoreProps {
  list: { hasMore: boolean; isFetchingMore: boolean; fetchMore: () => Promise<void> };
}

export function More({ list }: MoreProps) {
  const { t } = useUi();
  if (!list.hasMore) return null;
  return (
    <Actions>
      <Button kind="plain" isBusy={list.isFetchingMore} onClick={() => void list.fetchMore()}>
        {t('action.showMore')}
      </Button>
    </Actions>
  );
}
