/** `<unitpay-portal>`: the whole portal for pages without React. `docs/react.md` describes it. */
import { useEffect } from 'react';
import { createRoot, type Root } from 'react-dom/client';

import type { Flow } from '../api-types.js';
import { BillingPortal, type Section } from '../components/billing-portal.js';
import { languageOf } from '../format/language.js';
import type { Messages } from '../locales/en.js';
import type { Appearance } from '../react/context.js';
import { useLocale } from '../react/i18n.js';
import { UnitPayProvider } from '../react/provider.js';
import css from '../styles.css?inline';
import type { HeadingLevel } from '../ui/parts.js';

const NAME = 'unitpay-portal';
/** Loads a language by its tag: each is a file beside the script. English is inside. */
const LANGUAGES = import.meta.glob<Record<string, Messages>>(['./*.ts', '!./en.ts'], {
  base: '../locales',
});

/** The style sheet is adopted, because a strict policy refuses `style` elements. */
const sheet = new CSSStyleSheet();
sheet.replaceSync(`${NAME}{display:block}${css}`);

class PortalElement extends HTMLElement {
  static observedAttributes = [
    'token-endpoint',
    'api-base-url',
    'locale',
    'time-zone',
    'theme',
    'accent',
    'sections',
    'heading-level',
  ];

  #root: Root | null = null;
  /** The languages that have been loaded. */
  #messages: readonly Messages[] = [];
  #flow: Flow | null = null;

  /** Opens a dialog. Set it before the element is connected, or set it to another task later. */
  get flow(): Flow | null {
    return this.#flow;
  }

  set flow(flow: Flow | null) {
    this.#flow = flow;
    this.#render();
  }

  connectedCallback(): void {
    const tree = this.getRootNode() as Document | ShadowRoot;
    if (!tree.adoptedStyleSheets.includes(sheet)) tree.adoptedStyleSheets.push(sheet);
    this.#root = createRoot(this);
    this.#render();
  }

  disconnectedCallback(): void {
    this.#root?.unmount();
    this.#root = null;
  }

  attributeChangedCallback(): void {
    this.#render();
  }

  #text(name: string): string | undefined {
    return this.getAttribute(name)?.trim() || undefined;
  }

  #tell(name: string, reason: string): void {
    this.dispatchEvent(new CustomEvent(`${NAME}-${name}`, { bubbles: true, detail: { reason } }));
  }

  /** Without its file, or if the file fails to load, the portal stays in English. */
  readonly #speak = async (locale: string): Promise<void> => {
    const isSame = (tag: string) => languageOf(tag) === languageOf(locale);
    const path = Object.keys(LANGUAGES).find((name) => isSame(name.slice(2, -3)));
    if (path === undefined || this.#messages.some(({ language }) => isSame(language))) return;
    try {
      const loaded = Object.values((await LANGUAGES[path]?.()) ?? {});
      this.#messages = [...this.#messages, ...loaded];
      this.#render();
    } catch {
      console.warn(`UnitPay: ${NAME}.${path.slice(2, -3)}.js is not beside ${NAME}.js.`);
    }
  };

  #render(): void {
    const endpoint = this.#text('token-endpoint');
    const accent = this.#text('accent');
    const config = {
      apiBaseUrl: this.#text('api-base-url'),
      getPortalToken: endpoint ?? noEndpoint,
      onSessionExpired: (reason: string) => {
        this.#tell('expired', reason);
      },
    };
    this.#root?.render(
      <UnitPayProvider
        // Another endpoint may be another customer's.
        key={endpoint}
        config={config}
        locale={this.#text('locale')}
        timeZone={this.#text('time-zone')}
        messages={this.#messages}
        appearance={{
          theme: this.#text('theme') as Appearance['theme'],
          variables: accent === undefined ? {} : { accent },
        }}
      >
        <Speaker speak={this.#speak} />
        <BillingPortal
          // A task is opened when its card first appears.
          key={JSON.stringify(this.#flow)}
          sections={this.#text('sections')?.split(/\s+/) as Section[] | undefined}
          headingLevel={(Number(this.#text('heading-level')) || undefined) as HeadingLevel}
          flow={this.#flow ?? undefined}
          onFlowEnd={(reason) => {
            this.#tell('flow-end', reason);
          }}
        />
      </UnitPayProvider>,
    );
  }
}

/** Reports the language as soon as the session has told it. */
function Speaker({ speak }: { speak: (locale: string) => Promise<void> }): null {
  const locale = useLocale();
  useEffect(() => {
    if (locale !== undefined) void speak(locale);
  }, [locale, speak]);
  return null;
}

function noEndpoint(): never {
  console.error(`UnitPay: <${NAME}> needs the attribute token-endpoint.`);
  throw new TypeError('no token-endpoint');
}

if (!customElements.get(NAME)) customElements.define(NAME, PortalElement);
