/** The page around the portal: branding, link back, sign-out, and closed sessions. */
import type { Flow } from '@unitpay/react';
import { useEffect, useState, type ComponentType } from 'react';

// The source files themselves, so that the first load has nothing else of the package.
import { BillingPortal } from '../../sdk/react/src/components/billing-portal.js';
import { UnitPayProvider } from '../../sdk/react/src/react/provider.js';
import { usePortalSession } from '../../sdk/react/src/react/session.js';
import type { Logo } from './branding.js';
import { credential, exchange } from './boot.js';
import { Frame } from './frame.js';
import type { Outcome } from './handover.js';
import { backLink, type Closed, type Opened, type Reason } from './open.js';
import type { ReturnedProps } from './returned.js';
import type { Language, Text, Texts } from './texts.js';

export interface Shown {
  opened: Opened;
  logo: Logo | null;
  language: Language;
  /** The outcome of a form that another document has shown. */
  outcome: Outcome | null;
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
  const [Returned, setReturned] = useState<ComponentType<ReturnedProps> | null>(null);
  const { state } = usePortalSession();
  const { returnUrl } = shown.opened;
  const [left, end] = useEnd(returnUrl);
  const [outcome] = useState(shown.outcome);
  const [task, setTask] = useState(
    outcome?.intentId === undefined ? firstTask(flow, left, outcome) : null,
  );
  // A form that was the whole task ends it, whichever document has shown it.
  const isGivenUp = outcome?.intentId === undefined && outcome?.task === undefined;
  useEffect(() => {
    if (outcome && isGivenUp && flow) end('canceled');
    if (outcome?.intentId === undefined) return;
    // Not awaited where the page starts: the chunk waits for the page's own.
    void import('./returned.js').then((module) => {
      setReturned(() => module.Returned);
    });
  }, []);
  if (state === 'signed_out') return <ClosedPage {...shown} why="signedOut" />;
  if (state === 'expired') return <ClosedPage {...shown} why={closed} />;
  const onReturned = (isDone: boolean) => {
    const isWhole = outcome?.type === 'payment' || !outcome?.task;
    if (isDone && isWhole && flow) end('completed');
    else if (outcome?.task && !isWhole) setTask(outcome.task);
  };
  return (
    <Frame {...shown} branding={shown.opened.branding} actions={<SignOut {...shown} />}>
      <Back {...shown} reason={left ?? (flow ? 'canceled' : 'completed')} />
      {Returned && outcome?.intentId !== undefined ? (
        <Returned outcome={outcome} onEnd={onReturned} />
      ) : null}
      <BillingPortal
        // A task is opened when its card first appears.
        key={task?.type}
        flow={task ?? undefined}
        onFlowEnd={(reason) => {
          if (flow) end(reason);
        }}
      />
    </Frame>
  );
}

/** Returns the task with which the page opens: the session's, or the one that a form has left. */
function firstTask(flow: Flow | null, left: Reason | null, outcome: Outcome | null): Flow | null {
  if (outcome) return outcome.task ?? null;
  return left ? null : flow;
}

/**
 * Returns how the session's task ended and a function that ends it. It survives a reload, which would
 * otherwise start the task again.
 */
function useEnd(returnUrl: string | null) {
  const [left, setLeft] = useState(history.state as Reason | null);
  const end = (reason: 'completed' | 'canceled') => {
    if (history.state !== null) return;
    history.replaceState(reason, '');
    setLeft(reason);
    const back = backLink(returnUrl, reason);
    if (back) location.assign(back);
  };
  return [left, end] as const;
}

export function SignOut({ language: { texts } }: Shown) {
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

interface ClosedPageProps extends Shown {
  why: Closed;
  /** Default: the one of `why`. */
  text?: Text | undefined;
}

export function ClosedPage({ why, text, ...shown }: ClosedPageProps) {
  const { texts } = shown.language;
  const { title, body } = text ?? texts.closed[why];
  return (
    <Frame {...shown} branding={shown.opened.branding}>
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
        {'emailHint' in shown.opened && shown.opened.emailHint ? (
          <NewLink texts={texts} email={shown.opened.emailHint} />
        ) : null}
        <Back {...shown} reason={REASONS[why]} isMain />
      </section>
    </Frame>
  );
}

/** Offers to send a new link to the customer's own address, which is masked. */
function NewLink({ texts, email }: { texts: Texts; email: string }) {
  const [state, setState] = useState<'offered' | 'busy' | 'sent' | 'failed'>('offered');
  const fill = (text: string) => text.replace('{email}', () => email);
  const send = async () => {
    setState('busy');
    const answer = await exchange(credential, '/link');
    setState(answer?.status === 201 ? 'sent' : 'failed');
  };
  return (
    <>
      {state === 'sent' ? null : (
        <button
          className="main"
          type="button"
          aria-disabled={state === 'busy'}
          onClick={() => {
            if (state !== 'busy') void send();
          }}
        >
          {fill(texts.sendLink)}
        </button>
      )}
      <p role="status">
        {state === 'sent' ? fill(texts.linkSent) : state === 'failed' ? texts.linkFailed : ''}
      </p>
    </>
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
  const { name } = opened.branding;
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
