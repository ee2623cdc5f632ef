import type { InvoiceTexts, LoginTexts, Texts } from '../texts.js';

export { fr as messages } from '@unitpay/react/locales/fr';

const AGAIN = 'Rouvrez la page de facturation depuis votre compte';

export const texts: Texts = {
  title: 'Facturation',
  back: 'Retour',
  backTo: 'Retour vers {name}',
  signOut: 'Se déconnecter',
  signOutFailed: 'La déconnexion a échoué, car le serveur est injoignable.',
  questions: 'Des questions sur votre facture ?',
  retry: 'Réessayer',
  sendLink: 'Envoyer un nouveau lien à {email}',
  linkSent: 'Un nouveau lien a été envoyé à {email}.',
  linkFailed: 'Le lien n’a pas pu être envoyé. Veuillez réessayer plus tard.',
  closed: {
    nothing: {
      title: 'Ouvrez la page de facturation depuis votre compte',
      body: 'Un lien dans le produit que vous utilisez mène à cette page. Ouvrez-y la facturation.',
    },
    link: {
      title: 'Ce lien ne fonctionne plus',
      body: `Pour votre sécurité, un lien vers la facturation ne fonctionne qu’une fois et pendant quelques minutes. ${AGAIN} pour en obtenir un nouveau.`,
    },
    expired: {
      title: 'Votre session est terminée',
      body: `${AGAIN} pour continuer. Tout ce que vous avez enregistré est conservé.`,
    },
    revoked: {
      title: 'Votre session est terminée',
      body: `Elle a été fermée pour votre sécurité. ${AGAIN} pour continuer.`,
    },
    archived: {
      title: 'Ce compte est fermé',
      body: 'Sa page de facturation n’est plus disponible.',
    },
    signedOut: {
      title: 'Déconnexion réussie',
      body: 'Vous pouvez fermer cette page.',
    },
    unavailable: {
      title: 'La facturation est indisponible pour le moment',
      body: 'Le problème vient de notre côté, et rien n’a été modifié. Veuillez réessayer dans un instant.',
    },
    offline: {
      title: 'Pas de connexion',
      body: 'Vérifiez votre connexion et réessayez.',
    },
  },
};

export const login: LoginTexts = {
  title: 'Se connecter',
  intro: 'Nous enverrons un code à l’adresse e-mail que vous nous avez communiquée.',
  email: 'Adresse e-mail',
  send: 'Envoyer le code',
  sent: 'Si nous connaissons {email}, un code y a été envoyé. Il est valable dix minutes, dans ce navigateur uniquement.',
  code: 'Code',
  codeHint: 'Six chiffres',
  enter: 'Se connecter',
  again: 'Autre adresse ou nouveau code',
  choose: 'Quel compte souhaitez-vous ouvrir ?',
  wrong: 'Ce code est incorrect.',
  triesLeft: 'Tentatives restantes : {count}',
  spent: 'Ce code ne fonctionne plus. Demandez-en un nouveau.',
  tooMany: 'Trop de tentatives. Veuillez réessayer plus tard.',
  missing: {
    title: 'Pas de connexion possible ici',
    body: 'Ouvrez la facturation dans le produit que vous utilisez.',
  },
};

export const invoice: InvoiceTexts = {
  paid: { title: 'Cette facture est payée', body: 'Merci. Il ne reste rien à payer.' },
  void: { title: 'Cette facture a été annulée', body: 'Il n’y a rien à payer.' },
  link: {
    title: 'Ce lien ne fonctionne plus',
    body: 'Un lien vers une facture fonctionne quelques semaines, jusqu’à son paiement. Un e-mail plus récent à son sujet en contient peut-être un autre.',
  },
  ended: {
    title: 'Votre session est terminée',
    body: 'Rouvrez le lien de l’e-mail pour continuer.',
  },
};
