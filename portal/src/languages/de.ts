import type { InvoiceTexts, LoginTexts, Texts } from '../texts.js';

export { de as messages } from '@unitpay/react/locales/de';

const AGAIN = 'Öffnen Sie die Abrechnung erneut aus Ihrem Konto';

export const texts: Texts = {
  title: 'Abrechnung',
  back: 'Zurück',
  backTo: 'Zurück zu {name}',
  signOut: 'Abmelden',
  signOutFailed: 'Sie sind noch angemeldet, weil der Server nicht erreichbar ist.',
  questions: 'Fragen zu Ihrer Rechnung?',
  retry: 'Erneut versuchen',
  sendLink: 'Neuen Link an {email} senden',
  linkSent: 'Ein neuer Link ist unterwegs zu {email}.',
  linkFailed: 'Der Link konnte nicht gesendet werden. Bitte versuchen Sie es später noch einmal.',
  closed: {
    nothing: {
      title: 'Öffnen Sie die Abrechnung aus Ihrem Konto',
      body: 'Sie erreichen diese Seite über einen Link in dem Produkt, das Sie nutzen. Öffnen Sie dort die Abrechnung.',
    },
    link: {
      title: 'Dieser Link funktioniert nicht mehr',
      body: `Zu Ihrer Sicherheit funktioniert ein Link zur Abrechnung nur einmal und nur wenige Minuten. ${AGAIN}, um einen neuen zu erhalten.`,
    },
    expired: {
      title: 'Ihre Sitzung ist beendet',
      body: `${AGAIN}, um fortzufahren. Was Sie gespeichert haben, bleibt erhalten.`,
    },
    revoked: {
      title: 'Ihre Sitzung ist beendet',
      body: `Sie wurde zu Ihrer Sicherheit beendet. ${AGAIN}, um fortzufahren.`,
    },
    archived: {
      title: 'Dieses Konto ist geschlossen',
      body: 'Die Abrechnung dieses Kontos ist nicht mehr verfügbar.',
    },
    signedOut: {
      title: 'Sie haben sich abgemeldet',
      body: 'Sie können diese Seite schließen.',
    },
    unavailable: {
      title: 'Die Abrechnung ist zurzeit nicht verfügbar',
      body: 'Der Fehler liegt bei uns, und nichts wurde geändert. Bitte versuchen Sie es gleich noch einmal.',
    },
    offline: {
      title: 'Keine Verbindung',
      body: 'Prüfen Sie Ihre Verbindung und versuchen Sie es erneut.',
    },
  },
};

export const login: LoginTexts = {
  title: 'Anmelden',
  intro: 'Wir senden Ihnen einen Code an die E-Mail-Adresse, die wir von Ihnen haben.',
  email: 'E-Mail-Adresse',
  send: 'Code senden',
  sent: 'Wenn wir {email} kennen, ist ein Code dorthin unterwegs. Er gilt zehn Minuten und nur in diesem Browser.',
  code: 'Code',
  codeHint: 'Sechs Ziffern',
  enter: 'Anmelden',
  again: 'Andere Adresse oder neuer Code',
  choose: 'Welches Konto möchten Sie öffnen?',
  wrong: 'Dieser Code ist falsch.',
  triesLeft: 'Verbleibende Versuche: {count}',
  spent: 'Dieser Code funktioniert nicht mehr. Fordern Sie einen neuen an.',
  tooMany: 'Zu viele Versuche. Bitte versuchen Sie es später noch einmal.',
  missing: {
    title: 'Hier gibt es keine Anmeldung',
    body: 'Öffnen Sie die Abrechnung in dem Produkt, das Sie nutzen.',
  },
};

export const invoice: InvoiceTexts = {
  paid: { title: 'Diese Rechnung ist bezahlt', body: 'Vielen Dank. Es ist nichts mehr offen.' },
  void: { title: 'Diese Rechnung wurde storniert', body: 'Es ist nichts zu bezahlen.' },
  link: {
    title: 'Dieser Link funktioniert nicht mehr',
    body: 'Ein Link zu einer Rechnung funktioniert einige Wochen lang und bis sie bezahlt ist. Vielleicht enthält eine neuere E-Mail zu ihr einen anderen.',
  },
  ended: {
    title: 'Ihre Sitzung ist beendet',
    body: 'Öffnen Sie den Link in der E-Mail erneut, um fortzufahren.',
  },
};
