import type { InvoiceTexts, LoginTexts, Texts } from '../texts.js';

export { it as messages } from '@unitpay/react/locales/it';

const AGAIN = 'Riapra la fatturazione dal Suo account';

export const texts: Texts = {
  title: 'Fatturazione',
  back: 'Indietro',
  backTo: 'Torna a {name}',
  signOut: 'Esci',
  signOutFailed: 'La sessione è ancora aperta perché il server non è raggiungibile.',
  questions: 'Domande sulla Sua fattura?',
  retry: 'Riprova',
  sendLink: 'Invia un nuovo link a {email}',
  linkSent: 'Un nuovo link è stato inviato a {email}.',
  linkFailed: 'Impossibile inviare il link. Riprovi più tardi.',
  closed: {
    nothing: {
      title: 'Apra la fatturazione dal Suo account',
      body: 'Questa pagina si raggiunge da un link nel prodotto che utilizza. Apra lì la fatturazione.',
    },
    link: {
      title: 'Questo link non funziona più',
      body: `Per la Sua sicurezza, un link alla fatturazione funziona una sola volta e per pochi minuti. ${AGAIN} per riceverne uno nuovo.`,
    },
    expired: {
      title: 'La Sua sessione è terminata',
      body: `${AGAIN} per continuare. Tutto ciò che ha salvato è conservato.`,
    },
    revoked: {
      title: 'La Sua sessione è terminata',
      body: `È stata chiusa per la Sua sicurezza. ${AGAIN} per continuare.`,
    },
    archived: {
      title: 'Questo account è chiuso',
      body: 'La sua pagina di fatturazione non è più disponibile.',
    },
    signedOut: {
      title: 'Disconnessione effettuata',
      body: 'Può chiudere questa pagina.',
    },
    unavailable: {
      title: 'La fatturazione non è al momento disponibile',
      body: 'Il problema è nostro e nulla è stato modificato. Riprovi tra un momento.',
    },
    offline: {
      title: 'Nessuna connessione',
      body: 'Verifichi la connessione e riprovi.',
    },
  },
};

export const login: LoginTexts = {
  title: 'Accedi',
  intro: 'Invieremo un codice all’indirizzo e-mail che ci ha fornito.',
  email: 'Indirizzo e-mail',
  send: 'Invia codice',
  sent: 'Se conosciamo {email}, vi abbiamo inviato un codice. È valido per dieci minuti e solo in questo browser.',
  code: 'Codice',
  codeHint: 'Sei cifre',
  enter: 'Accedi',
  again: 'Altro indirizzo o nuovo codice',
  choose: 'Quale account desidera aprire?',
  wrong: 'Questo codice non è corretto.',
  triesLeft: 'Tentativi rimasti: {count}',
  spent: 'Questo codice non funziona più. Ne richieda uno nuovo.',
  tooMany: 'Troppi tentativi. Riprovi più tardi.',
  missing: {
    title: 'Qui non è possibile accedere',
    body: 'Apra la fatturazione nel prodotto che utilizza.',
  },
};

export const invoice: InvoiceTexts = {
  paid: { title: 'Questa fattura è pagata', body: 'Grazie. Non resta nulla da pagare.' },
  void: { title: 'Questa fattura è stata annullata', body: 'Non c’è nulla da pagare.' },
  link: {
    title: 'Questo link non funziona più',
    body: 'Un link a una fattura funziona per alcune settimane e finché non viene pagata. Un’e-mail più recente potrebbe contenerne un altro.',
  },
  ended: {
    title: 'La Sua sessione è terminata',
    body: 'Riapra il link nell’e-mail per continuare.',
  },
};
