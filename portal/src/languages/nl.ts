import type { InvoiceTexts, LoginTexts, Texts } from '../texts.js';

export { nl as messages } from '@unitpay/react/locales/nl';

const AGAIN = 'Open de facturering opnieuw vanuit uw account';

export const texts: Texts = {
  title: 'Facturering',
  back: 'Terug',
  backTo: 'Terug naar {name}',
  signOut: 'Uitloggen',
  signOutFailed: 'U bent nog ingelogd, omdat de server niet bereikbaar is.',
  questions: 'Vragen over uw factuur?',
  retry: 'Opnieuw proberen',
  sendLink: 'Nieuwe link sturen naar {email}',
  linkSent: 'Er is een nieuwe link onderweg naar {email}.',
  linkFailed: 'De link kon niet worden verstuurd. Probeer het later opnieuw.',
  closed: {
    nothing: {
      title: 'Open de facturering vanuit uw account',
      body: 'U bereikt deze pagina via een link in het product dat u gebruikt. Ga naar dat product en open de facturering.',
    },
    link: {
      title: 'Deze link werkt niet meer',
      body: `Voor uw veiligheid werkt een link naar de facturering maar één keer en maar enkele minuten. ${AGAIN} om een nieuwe te krijgen.`,
    },
    expired: {
      title: 'Uw sessie is beëindigd',
      body: `${AGAIN} om verder te gaan. Alles wat u hebt opgeslagen, blijft bewaard.`,
    },
    revoked: {
      title: 'Uw sessie is beëindigd',
      body: `Dat is voor uw veiligheid gebeurd. ${AGAIN} om verder te gaan.`,
    },
    archived: {
      title: 'Dit account is gesloten',
      body: 'De factureringspagina van dit account is niet meer beschikbaar.',
    },
    signedOut: {
      title: 'U bent uitgelogd',
      body: 'U kunt deze pagina sluiten.',
    },
    unavailable: {
      title: 'De facturering is op dit moment niet beschikbaar',
      body: 'Het probleem ligt bij ons en er is niets gewijzigd. Probeer het over een ogenblik opnieuw.',
    },
    offline: {
      title: 'Geen verbinding',
      body: 'Controleer uw verbinding en probeer het opnieuw.',
    },
  },
};

export const login: LoginTexts = {
  title: 'Inloggen',
  intro: 'We sturen een code naar het e-mailadres dat bij ons bekend is.',
  email: 'E-mailadres',
  send: 'Code sturen',
  sent: 'Als {email} bij ons bekend is, ontvangt u daar een code. De code is tien minuten geldig, alleen in deze browser.',
  code: 'Inlogcode',
  codeHint: 'Zes cijfers',
  enter: 'Inloggen',
  again: 'Ander adres of nieuwe code',
  choose: 'Welk account wilt u openen?',
  wrong: 'Deze code is onjuist.',
  triesLeft: 'Resterende pogingen: {count}',
  spent: 'Deze code werkt niet meer. Vraag een nieuwe aan.',
  tooMany: 'Te veel pogingen. Probeer het later opnieuw.',
  missing: {
    title: 'U kunt hier niet inloggen',
    body: 'Open de facturering in het product dat u gebruikt.',
  },
};

export const invoice: InvoiceTexts = {
  paid: { title: 'Deze factuur is betaald', body: 'Bedankt. Er staat niets meer open.' },
  void: { title: 'Deze factuur is geannuleerd', body: 'U hoeft niets te betalen.' },
  link: {
    title: 'Deze link werkt niet meer',
    body: 'Een link naar een factuur werkt enkele weken en totdat de factuur is betaald. Mogelijk staat er een andere link in een nieuwere e-mail over deze factuur.',
  },
  ended: {
    title: 'Uw sessie is beëindigd',
    body: 'Open de link in de e-mail opnieuw om verder te gaan.',
  },
};
