/**
 * `/portal/login/{organization}`: signs a customer in by a code that is e-mailed. The session that it opens
 * is shown by the portal's own page, to which the server has given the cookie.
 */
import './page.css';

import { useEffect, useId, useRef, useState, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';

import { Frame } from './frame.js';
import { base, enter, getPage, start, type Customer, type Started } from './login-calls.js';
import { dress } from './look.js';
import type { LoginTexts, Texts } from './texts.js';

const en: LoginTexts = {
  title: 'Sign in',
  intro: 'We send a code to the e-mail address that we have from you.',
  email: 'E-mail address',
  send: 'Send code',
  sent: 'If we know {email}, a code is on its way there. It works for ten minutes, in this browser only.',
  code: 'Code',
  codeHint: 'Six digits',
  enter: 'Sign in',
  again: 'Another address or a new code',
  choose: 'Which account do you want to open?',
  wrong: 'This code is wrong.',
  triesLeft: 'Tries left: {count}',
  spent: 'This code no longer works. Ask for a new one.',
  tooMany: 'Too many attempts. Please try again later.',
  missing: {
    title: 'There is no sign-in here',
    body: 'Open billing in the product that you use.',
  },
};

/** A code that this tab asked for. It stays for a reload, such as a phone makes after the mail app. */
interface Asked extends Started {
  email: string;
  /** Until when this browser's clock takes it for valid. */
  until: number;
}

const ASKED = 'unitpay.login';
/** Of a code, in milliseconds. */
const LIFE = 600_000;

function readAsked(): Asked | null {
  try {
    const asked = JSON.parse(sessionStorage.getItem(ASKED) ?? 'null') as Asked | null;
    return asked && asked.until > Date.now() ? asked : null;
  } catch {
    return null;
  }
}

function keepAsked(asked: Asked | null): void {
  try {
    if (asked) sessionStorage.setItem(ASKED, JSON.stringify(asked));
    else sessionStorage.removeItem(ASKED);
  } catch {
    // The browser refuses storage: a reload asks for another code.
  }
}

interface LoginProps {
  texts: Texts;
  login: LoginTexts;
}

function Login({ texts, login }: LoginProps) {
  const [asked, setAsked] = useState(readAsked);
  const [customers, setCustomers] = useState<Customer[]>([]);
  const [error, setError] = useState('');
  const [isBusy, setBusy] = useState(false);

  const change = (next: Asked | null) => {
    keepAsked(next);
    setAsked(next);
    setCustomers([]);
  };
  const fail = (code: string, triesLeft: number) => {
    if (code === 'rate_limited') setError(login.tooMany);
    else if (code === 'offline') setError(texts.closed.offline.body);
    else if (code !== 'invalid_code') setError(texts.closed.unavailable.body);
    else if (triesLeft === 0) setError(login.spent);
    else setError(`${login.wrong} ${login.triesLeft.replace('{count}', String(triesLeft))}`);
  };
  /** Runs one request at a time. */
  const run = async (work: () => Promise<void>) => {
    if (isBusy) return;
    setBusy(true);
    setError('');
    await work();
    setBusy(false);
  };
  const ask = (email: string) =>
    run(async () => {
      const answer = await start(email);
      if ('body' in answer) change({ ...answer.body, email, until: Date.now() + LIFE });
      else fail(answer.code, answer.triesLeft);
    });
  const prove = (proof: Parameters<typeof enter>[1]) =>
    run(async () => {
      const answer = await enter(asked?.id ?? '', proof);
      if (!('body' in answer)) {
        fail(answer.code, answer.triesLeft);
        return;
      }
      const { sessionId, customers: found } = answer.body;
      setCustomers(found);
      if (sessionId === null) return;
      keepAsked(null);
      location.replace(`${base}/portal#${sessionId}`);
    });

  const alert = (
    <p className="wrong" role="alert">
      {error}
    </p>
  );
  const back = (
    <button
      className="quiet"
      type="button"
      onClick={() => {
        setError('');
        change(null);
      }}
    >
      {login.again}
    </button>
  );
  if (!asked) {
    return (
      <Step title={login.title} text={login.intro}>
        <Form
          key="email"
          label={login.email}
          action={login.send}
          input={{ type: 'email', autoComplete: 'email', maxLength: 254 }}
          isBusy={isBusy}
          onSubmit={(email) => void ask(email)}
        >
          {alert}
        </Form>
      </Step>
    );
  }
  if (customers.length > 0) {
    return (
      <Step title={login.choose}>
        <ul className="choices">
          {customers.map(({ id, name }) => (
            <li key={id}>
              <button
                className="choice"
                type="button"
                onClick={() => void prove({ customerId: id })}
              >
                <bdi>{name}</bdi>
              </button>
            </li>
          ))}
        </ul>
        {alert}
        {back}
      </Step>
    );
  }
  const [before, after] = login.sent.split('{email}');
  return (
    <Step
      title={login.title}
      text={
        <>
          {before}
          <bdi>{asked.email}</bdi>
          {after}
        </>
      }
    >
      <Form
        key={asked.id}
        label={login.code}
        hint={login.codeHint}
        action={login.enter}
        input={{ inputMode: 'numeric', autoComplete: 'one-time-code', maxLength: 12, dir: 'ltr' }}
        isBusy={isBusy}
        onSubmit={(code) => void prove({ code: code.replace(/\D/g, '') })}
      >
        {alert}
      </Form>
      {back}
    </Step>
  );
}

interface StepProps {
  title: string;
  text?: ReactNode;
  children: ReactNode;
}

function Step({ title, text, children }: StepProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // A form takes the focus itself.
    if (!text) heading.current?.focus();
  }, [title]);
  return (
    <section className="login">
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {text ? <p className="note">{text}</p> : null}
      {children}
    </section>
  );
}

interface FormProps {
  label: string;
  hint?: string;
  action: string;
  input: object;
  isBusy: boolean;
  onSubmit: (value: string) => void;
  children: ReactNode;
}

function Form({ label, hint, action, input, isBusy, onSubmit, children }: FormProps) {
  const field = useRef<HTMLInputElement>(null);
  const [id, hintId] = [useId(), useId()];
  useEffect(() => {
    field.current?.focus();
  }, []);
  return (
    <form
      className="fields"
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit(field.current?.value.trim() ?? '');
      }}
    >
      <label htmlFor={id}>{label}</label>
      <input ref={field} id={id} required aria-describedby={hint ? hintId : undefined} {...input} />
      {hint ? (
        <p className="note" id={hintId}>
          {hint}
        </p>
      ) : null}
      {children}
      <button className="main" type="submit" aria-disabled={isBusy}>
        {action}
      </button>
    </form>
  );
}

/** Says why there is no sign-in. */
function Missing({ texts, login, code }: LoginProps & { code: string }) {
  const reasons: Record<string, { title: string; body: string }> = {
    not_found: login.missing,
    validation_failed: login.missing,
    offline: texts.closed.offline,
  };
  const { title, body } = reasons[code] ?? texts.closed.unavailable;
  return (
    <section className="closed" role="alert">
      <h1>{title}</h1>
      <p>{body}</p>
    </section>
  );
}

const found = await getPage();
const branding = 'body' in found ? found.body.branding : {};
const { language, logo } = await dress(null, branding, (known) => (known.login ?? en).title);
const { texts, login = en } = language;

const page = document.getElementById('page');
if (page) {
  createRoot(page).render(
    <Frame branding={branding} logo={logo} language={language}>
      {'body' in found ? (
        <Login texts={texts} login={login} />
      ) : (
        <Missing texts={texts} login={login} code={found.code} />
      )}
    </Frame>,
  );
}
