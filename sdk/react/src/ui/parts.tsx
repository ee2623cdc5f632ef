/** The outermost element of each component, and how every part of it gets its classes. */
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

/** What an element of a part carries: its name, our class, and yours. */
export type PartOf = (
  name: string,
  modifier?: string | false,
) => { 'data-upay': string; className: string };

/** What every element needs: its part, and the reader's language. */
export interface Ui extends I18n {
  p: PartOf;
  classNames: Readonly<Record<string, string>>;
}

const UiContext = /* @__PURE__ */ createContext<Ui | null>(null);

/** Of the frame around it. */
export function useUi(): Ui {
  const ui = useContext(UiContext);
  if (!ui) throw new Error('UnitPay: no component around.');
  return ui;
}

function partsOf(classNames: Ui['classNames']): PartOf {
  return (name, modifier) => {
    const own = modifier ? `upay-${name} upay-${name}-${modifier}` : `upay-${name}`;
    const given = classNames[name];
    return { 'data-upay': name, className: given ? `${own} ${given}` : own };
  };
}

/** Inside another component, such as `BillingPortal`, the frame is there already. */
function Frame({ className, classNames: own, children }: StyleProps & { children: ReactNode }) {
  const { appearance } = usePortal();
  const outer = useContext(UiContext);
  const found = useI18n(outer === null);
  const ui = useMemo<Ui>(() => {
    const classNames = { ...appearance.classNames, ...outer?.classNames, ...own };
    return { ...(outer ?? found), classNames, p: partsOf(classNames) };
  }, [appearance.classNames, outer, own, found]);
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

/** By `setProperty`: pages with a strict policy refuse `style` attributes in their markup. */
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

/** One card that fails leaves the others usable. */
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
    // Of the card's own queries nobody is left who would ask again.
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
 * Makes a component of the package: it has the frame, a boundary for errors, and begins anew with
 * another customer. Without its read scope it is not there, and asks for nothing.
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
  // Tools show it, where the code is as it was written.
  Defined.displayName = Inner.name;
  return Defined;
}
