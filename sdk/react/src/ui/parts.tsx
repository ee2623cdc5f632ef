/** The root element of each component, and the class names of its parts. */
import {
  Component,
  createContext,
  useCallback,
  useContext,
  useId,
  useMemo,
  useRef,
  useState,
  type ComponentType,
  type ReactNode,
} from 'react';

import type { Scope } from '../api-types.js';
import { readableAccent } from '../format/colors.js';
import { keyOf, usePortal, type Appearance } from '../react/context.js';
import { useI18n, type I18n } from '../react/i18n.js';
import { useLayout } from '../react/layout.js';
import type { ClassNames, Part, Variables } from './names.js';

/** The class names that every component takes. */
export interface StyleProps {
  /** The class names of the outermost element. */
  className?: string | undefined;
  /** By `data-upay` part. */
  classNames?: ClassNames | undefined;
  /** The level of the component's heading, so that it fits into the page. */
  headingLevel?: HeadingLevel | undefined;
}

/** Default: 1 for `BillingPortal`, 2 for the other components. */
export type HeadingLevel = 1 | 2 | 3 | 4;

type Heading = 'h1' | 'h2' | 'h3' | 'h4' | 'h5' | 'h6';

/** Returns the element of a heading, `below` levels below the title of a card. */
export function useHeading(below = 0): Heading {
  return `h${String(useUi().level + below)}` as Heading;
}

/** Returns the attributes of a part: its name and its classes, ours and the host page's. */
export type PartOf = (
  name: Part,
  modifier?: string | false,
) => { 'data-upay': string; className: string };

/** Class names and texts for the elements of a component. */
export interface Ui extends I18n {
  p: PartOf;
  classNames: ClassNames;
  /** The level of the titles of cards. */
  level: number;
}

const UiContext = /* @__PURE__ */ createContext<Ui | null>(null);

interface Noticed {
  /** The hook that set the text. */
  owner: string;
  text: string;
}

const NoticeContext = /* @__PURE__ */ createContext<
  [Noticed | null, (change: (former: Noticed | null) => Noticed | null) => void]
>([null, () => undefined]);

/** Returns a message that the next one of any card replaces, so that messages do not pile up. */
export function useNotice(): [string | null, (text: string | null | undefined) => void] {
  const owner = useId();
  const [shown, change] = useContext(NoticeContext);
  const set = useCallback(
    (text: string | null | undefined) => {
      change((former) => {
        if (text) return { owner, text };
        return former?.owner === owner ? null : former;
      });
    },
    [owner, change],
  );
  return [shown?.owner === owner ? shown.text : null, set];
}

/** Returns those of the frame above. */
export function useUi(): Ui {
  const ui = useContext(UiContext);
  if (!ui) throw new Error('UnitPay: this must be rendered inside a UnitPay component.');
  return ui;
}

function partsOf(classNames: Ui['classNames']): PartOf {
  return (name, modifier) => {
    const ours = modifier ? `upay-${name} upay-${name}-${modifier}` : `upay-${name}`;
    const given = classNames[name];
    return { 'data-upay': name, className: given ? `${ours} ${given}` : ours };
  };
}

interface FrameProps extends StyleProps {
  level?: number | undefined;
  children: ReactNode;
}

/** The root element. Inside another component, such as `BillingPortal`, it is a plain wrapper. */
function Frame({ className, classNames: given, level = 2, children }: FrameProps) {
  const { appearance } = usePortal();
  const outer = useContext(UiContext);
  const found = useI18n(outer === null);
  const ui = useMemo<Ui>(() => {
    const classNames = { ...appearance.classNames, ...outer?.classNames, ...given };
    return { level, ...(outer ?? found), classNames, p: partsOf(classNames) };
  }, [appearance.classNames, outer, given, found, level]);
  const root = useVariables(appearance);
  const notice = useState<Noticed | null>(null);
  const frame = outer ? 'upay-slot' : 'upay';
  return (
    <UiContext.Provider value={ui}>
      <div
        ref={root}
        className={className ? `${frame} ${className}` : frame}
        data-upay="root"
        data-upay-theme={appearance.theme ?? 'auto'}
        dir={ui.dir}
        lang={ui.t('language')}
      >
        {outer ? (
          children
        ) : (
          <NoticeContext.Provider value={notice}>{children}</NoticeContext.Provider>
        )}
      </div>
    </UiContext.Provider>
  );
}

/** Sets CSS variables by `setProperty`, because a strict policy refuses `style` attributes. */
function useVariables({ variables = {} }: Appearance) {
  const root = useRef<HTMLDivElement>(null);
  const given = JSON.stringify(variables);
  useLayout(() => {
    const style = root.current?.style;
    const set = withReadableAccent(variables);
    for (const name in set) style?.setProperty(`--upay-${name}`, set[name] ?? null);
    return () => {
      for (const name in set) style?.removeProperty(`--upay-${name}`);
    };
  }, [given]);
  return root;
}

/** Replaces an accent that is hard to read. With `on-accent` the host has chosen both colors. */
function withReadableAccent(variables: Variables): Readonly<Record<string, string>> {
  const { accent, background } = variables;
  if (accent === undefined || variables['on-accent'] !== undefined) return variables;
  const readable = readableAccent(accent, background);
  if (!readable) return variables;
  return { ...variables, accent: readable.accent, 'on-accent': readable.onAccent };
}

interface BoundaryProps {
  fallback: (reset: () => void) => ReactNode;
  children: ReactNode;
}

/** Catches the error of one card, so that the others stay usable. */
class Boundary extends Component<BoundaryProps, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  override render() {
    const { fallback, children } = this.props;
    const reset = () => {
      this.setState({ hasFailed: false });
    };
    return this.state.hasFailed ? fallback(reset) : children;
  }
}

function Failed({ reset }: { reset: () => void }) {
  const { p, t } = useUi();
  const { session, queryClient } = usePortal();
  const retry = () => {
    // The card's hooks are unmounted, so their queries count as inactive.
    const all = { queryKey: keyOf(session), refetchType: 'all' } as const;
    void queryClient.invalidateQueries(all).then(reset);
  };
  return (
    <button type="button" {...p('card')} onClick={retry}>
      {t('error.unknown')}
    </button>
  );
}

/**
 * Wraps a component in a frame and an error boundary, and remounts it for another customer. Without
 * its read scope it renders nothing and sends no request. `levels`: its cards are that much below
 * its heading.
 */
export function defineComponent<P extends StyleProps>(
  scope: Scope | null,
  Inner: ComponentType<P>,
  levels = 0,
): ComponentType<P> {
  function Defined(props: P) {
    const { session } = usePortal();
    if (scope && session && !session.can(scope)) return null;
    return (
      <Frame
        key={keyOf(session).join(' ')}
        className={props.className}
        classNames={props.classNames}
        level={props.headingLevel && props.headingLevel + levels}
      >
        <Boundary fallback={(reset) => <Failed reset={reset} />}>
          <Inner {...props} />
        </Boundary>
      </Frame>
    );
  }
  Defined.displayName = Inner.name;
  return Defined;
}
