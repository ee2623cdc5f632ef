//! French.

use super::{Text, Words};

pub const WORDS: Words = Words {
    language: "fr",
    right_to_left: false,
    greeting: "Bonjour {name},",
    questions: "Des questions ? Écrivez à {email}.",
    number: "Facture",
    amount: "Montant",
    amount_due: "Montant dû",
    due_on: "Échéance le",
    paid_on: "Payée le",
    next_attempt: "Prochaine tentative",
    charged: "Débité",
    refunded: "Total remboursé",
    card: "Carte",
    expires: "Expiration",
    code: "Code de connexion",
    open: "Ouvrir la facturation",
    trial_ends: "Fin de l’essai le",
    renews_on: "Renouvellement le",
    at_least: "Au moins, plus la consommation",
    endpoint: "Point de terminaison",
    environment: "Environnement",
    failing_since: "En échec depuis le",
    last_error: "Dernière erreur",
    enable_again: "Le réactiver",
    send_missed: "Envoyer les événements manqués",
    open_invoice: "Voir et payer la facture",
    invoice: Text {
        subject: "Facture {number} de {seller}",
        body: "Vous trouverez votre facture {number} en pièce jointe. Veuillez la payer au plus tard \
               à la date ci-dessous.",
    },
    receipt: Text {
        subject: "Reçu pour {number} de {seller}",
        body: "Merci pour votre paiement. Vous trouverez la facture payée en pièce jointe.",
    },
    payment_failed: Text {
        subject: "Votre paiement à {seller} a échoué",
        body: "Nous n’avons pas pu débiter votre moyen de paiement. Veuillez le vérifier sur votre \
               page de facturation, ou en ajouter un autre.",
    },
    subscription_canceled: Text {
        subject: "Votre abonnement {plan} est terminé",
        body: "Votre abonnement {plan} est terminé et ne sera pas renouvelé. La consommation non \
               encore facturée peut figurer sur une dernière facture.",
    },
    refund: Text {
        subject: "Remboursement de {seller}",
        body: "Nous avons remboursé un paiement. Quelques jours peuvent s’écouler avant que votre \
               banque ne l’affiche.",
    },
    card_expiring: Text {
        subject: "Votre carte pour {seller} expire bientôt",
        body: "La carte que nous débitons pour vos achats expire bientôt. Veuillez en ajouter une \
               autre sur votre page de facturation.",
    },
    credits_low: Text {
        subject: "Votre solde baisse : {credits}",
        body: "Votre solde de {credits} est bas. Vous pouvez le recharger sur votre page de \
               facturation.",
    },
    login_code: Text {
        subject: "Votre code de connexion pour {seller}",
        body: "Saisissez ce code sur la page où vous l’avez demandé. Il est valable dix minutes, et \
               uniquement là. Si vous ne l’avez pas demandé, vous pouvez ignorer cet e-mail.",
    },
    portal_link: Text {
        subject: "Votre nouveau lien de facturation de {seller}",
        body: "Voici le lien que vous avez demandé. Il fonctionne une seule fois, pendant une \
               demi-heure. Si vous ne l’avez pas demandé, vous pouvez ignorer cet e-mail.",
    },
    trial_ending: Text {
        subject: "Votre essai de {plan} se termine bientôt",
        body: "Votre essai de {plan} se termine à la date ci-dessous. Votre abonnement commence \
               alors, et le montant ci-dessous, taxes comprises, est dû. Si vous ne souhaitez \
               pas continuer, résiliez-le avant cette date sur votre page de facturation.",
    },
    renewal_upcoming: Text {
        subject: "Votre abonnement {plan} se renouvelle bientôt",
        body: "Votre abonnement {plan} se renouvelle à la date ci-dessous, et le montant \
               ci-dessous, taxes comprises, est alors dû. Si vous ne souhaitez pas le \
               renouveler, résiliez-le avant cette date sur votre page de facturation.",
    },
    endpoint_disabled: Text {
        subject: "Un point de terminaison webhook de {seller} a été désactivé",
        body: "Ce point de terminaison webhook échoue depuis cinq jours sans aucun succès, et \
               ne reçoit donc plus d’événements. Corrigez le destinataire, puis réactivez le \
               point de terminaison et demandez les événements manqués avec les deux requêtes \
               ci-dessous.",
    },
    invoice_link: Text {
        subject: "Votre lien vers la facture {number} de {seller}",
        body: "Voici le lien que vous avez demandé. Il ouvre cette facture jusqu’à son \
               paiement. Si vous ne l’avez pas demandé, vous pouvez ignorer cet e-mail.",
    },
};
