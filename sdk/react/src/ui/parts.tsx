/** The root element of each component, and the class names of its parts. */
import {
  Component,
  createContext,
  useContext,
  useMemo,
  useRef,
  type ComponentType,
  type ReactNode,
} from 'react';

import type { Scope } from '../api-types.js';
import { keyOf, usePortal, type Appearance } from '../react/context.js';
import { useI18n, type I18n } from '../react/i18n.js';
import { useLayout } from '../react/layout.js';

export interface StyleProps {
  className?: string | undefined;
  /** By `data-upay` part. */
  classNames?: Readonly<Record<string, string>> | undefined;
}

/** Returns the attributes of a part: its name and its classes, ours and the host page's. */
export type PartOf = (
  name: string,
  modifier?: string | false,
) => { 'data-upay': string; className: string };

/** Class names and texts for the elements of a component. */
export interface Ui extends I18n {
  p: PartOf;
  classNames: Readonly<Record<string, string>>;
}

const UiContext = /* @__PURE__ */ createContext<Ui | null>(null);

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

/** The root element. Inside another component, such as `BillingPortal`, it is a plain wrapper. */
function Frame({ className, classNames: given, children }: StyleProps & { children: ReactNode }) {
  const { appearance } = usePortal();
  const outer = useContext(UiContext);
  const found = useI18n(outer === null);
  const ui = useMemo<Ui>(() => {
    const classNames = { ...appearance.classNames, ...outer?.classNames, ...given };
    return { ...(outer ?? found), classNames, p: partsOf(classNames) };
  }, [appearance.classNames, outer, given, found]);
  const root = useVariables(appearance);
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
        {children}
      </div>
    </UiContext.Provider>
  );
}

/** Sets CSS variables by `setProperty`, because a strict policy refuses `style` attributes. */
function useVariables({ variables = {} }: Appearance) {
  const root = useRef<HTMLDivElement>(null);
  const set = JSON.stringify(variables);
  useLayout(() => {
    const style = root.current?.style;
    for (const name in variables) style?.setProperty(`--upay-${name}`, variables[name] ?? null);
    return () => {
      for (const name in variables) style?.removeProperty(`--upay-${name}`);
    };
  }, [set]);
  return root;
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
 * its read scope it renders nothing and sends no request.
 */
export function defineComponent<P extends StyleProps>(
  scope: Scope | null,
  Inner: ComponentType<P>,
): ComponentType<P> {
  function Defined(props: P) {
    const { session } = usePortal();
    if (scope && session && !session.can(scope)) return null;
    return (
      <Frame
        key={keyOf(session).join(' ')}
        className={props.className}
        classNames={props.classNames}
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
