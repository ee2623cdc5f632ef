/** The frame of a page: branding above, support below. */
import type { Branding } from '@unitpay/react';
import type { ReactNode } from 'react';

import type { Logo } from './branding.js';
import type { Language } from './texts.js';

interface FrameProps {
  branding: Partial<Branding>;
  logo: Logo | null;
  language: Language;
  actions?: ReactNode;
  children: ReactNode;
}

export function Frame({ branding, logo, language, actions, children }: FrameProps) {
  const name = branding.name ?? '';
  const { supportEmail } = branding;
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
