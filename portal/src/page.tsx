/** The page around the portal: branding, link back, sign-out, and closed sessions. */
import type { Branding, Flow } from '@unitpay/react';
import { useState, type ReactNode } from 'react';

// The source files themselves, so that the first load has nothing else of the package.
import { BillingPortal } from '../../sdk/react/src/components/billing-portal.js';
import { UnitPayProvider } from '../../sdk/react/src/react/provider.js';
import { usePortalSession } from '../../sdk/react/src/react/session.js';
import type { Logo } from './branding.js';
import { backLink, type Closed, type Opened, type Reason } from './open.js';
import type { Language } from './texts.js';

export interface Shown {
  opened: Opened;
  logo: Logo | null;
  language: Language;
}

export function Page(shown: Shown) {
  const { opened } = shown;
  const [closed, setClosed] = useState<Closed>('expired');
  if ('closed' in opened) return <ClosedPage {...shown} why={opened.closed} />;
  const { messages, locale } = shown.language;
  return (
    <UnitPayProvider
      portalToken={opened.token}
      initialData={opened.data}
      locale={locale}
      messages={messages}
      config={{
        onSessionExpired: (reason) => {
          setClosed(CLOSED[reason]);
        },
      }}
    >
      <Live {...shown} flow={opened.flow} closed={closed} />
    </UnitPayProvider>
  );
}

const CLOSED = {
  revoked: 'revoked',
  archived: 'archived',
  expired: 'expired',
  subject_changed: 'expired',
  signed_out_elsewhere: 'signedOut',
} as const satisfies Record<string, Closed>;

interface LiveProps extends Shown {
  flow: Flow | null;
  /** The message for a session that has ended. */
  closed: Closed;
}

function Live({ flow, closed, ...shown }: LiveProps) {
  const { state } = usePortalSession();
  // The outcome of the flow survives a reload, which would otherwise start the flow again.
  const [left, setLeft] = useState(history.state as Reason | null);
  const [first] = useState(left ? null : flow);
  const { returnUrl } = shown.opened;
  if (state === 'signed_out') return <ClosedPage {...shown} why="signedOut" />;
  if (state === 'expired') return <ClosedPage {...shown} why={closed} />;
  const end = (reason: 'completed' | 'canceled') => {
    if (history.state !== null) return;
    history.replaceState(reason, '');
    setLeft(reason);
    const back = backLink(returnUrl, reason);
    if (back) location.assign(back);
  };
  return (
    <Frame {...shown} actions={<SignOut {...shown} />}>
      <Back {...shown} reason={left ?? (flow ? 'canceled' : 'completed')} />
      <BillingPortal flow={first ?? undefined} onFlowEnd={end} />
    </Frame>
  );
}

function SignOut({ language: { texts } }: Shown) {
  const { signOut } = usePortalSession();
  const [hasFailed, setFailed] = useState(false);
  return (
    <>
      <span className="note" role="alert">
        {hasFailed ? texts.signOutFailed : ''}
      </span>
      <button
        className="quiet"
        type="button"
        onClick={() => {
          setFailed(false);
          signOut().catch(() => {
            setFailed(true);
          });
        }}
      >
        {texts.signOut}
      </button>
    </>
  );
}

const REASONS: Record<Closed, Reason> = {
  nothing: 'error',
  link: 'expired',
  expired: 'expired',
  revoked: 'expired',
  archived: 'expired',
  signedOut: 'completed',
  unavailable: 'error',
  offline: 'error',
};

function ClosedPage({ why, ...shown }: Shown & { why: Closed }) {
  const { texts } = shown.language;
  const { title, body } = texts.closed[why];
  return (
    <Frame {...shown}>
      <section className="closed" role="alert">
        <h1>{title}</h1>
        <p>{body}</p>
        {why === 'unavailable' || why === 'offline' ? (
          <button
            className="main"
            type="button"
            onClick={() => {
              location.reload();
            }}
          >
            {texts.retry}
          </button>
        ) : null}
        <Back {...shown} reason={REASONS[why]} isMain />
      </section>
    </Frame>
  );
}

interface BackProps extends Shown {
  reason: Reason;
  /** The main action of the page. */
  isMain?: boolean;
}

function Back({ opened, language: { texts }, reason, isMain = false }: BackProps) {
  const href = backLink(opened.returnUrl, reason);
  if (!href) return null;
  const name = nameOf(opened.branding);
  const text = name ? texts.backTo.replace('{name}', () => name) : texts.back;
  return (
    <a className={isMain ? 'main' : 'back'} href={href}>
      {isMain ? null : <Arrow />}
      {text}
    </a>
  );
}

function Arrow() {
  return (
    <svg className="arrow" viewBox="0 0 16 16" aria-hidden="true">
      <path d="M9.5 3.5 5 8l4.5 4.5" />
    </svg>
  );
}

interface FrameProps extends Shown {
  actions?: ReactNode;
  children: ReactNode;
}

function Frame({ opened, logo, language, actions, children }: FrameProps) {
  const name = nameOf(opened.branding);
  const { supportEmail } = opened.branding;
  return (
    <div className="page">
      {name || logo || actions ? (
        <header className="bar">
          <p className="brand">
            {logo ? <img className="logo" src={logo.src} alt={logo.isWide ? name : ''} /> : null}
            {logo?.isWide ? null : <bdi>{name}</bdi>}
          </p>
          {actions}
        </header>
      ) : null}
      <main className="content">{children}</main>
      {supportEmail ? (
        <footer className="foot">
          {language.texts.questions}{' '}
          <a href={`mailto:${encodeURIComponent(supportEmail)}`}>
            <bdi>{supportEmail}</bdi>
          </a>
        </footer>
      ) : null}
    </div>
  );
}

function nameOf({ name }: Partial<Branding>): string {
  return name ?? '';
}
