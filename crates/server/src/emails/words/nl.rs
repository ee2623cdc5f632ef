//! Dutch.

use super::{Text, Words};

pub const WORDS: Words = Words {
    language: "nl",
    right_to_left: false,
    greeting: "Beste {name},",
    questions: "Vragen? Mail naar {email}.",
    number: "Factuur",
    amount: "Bedrag",
    amount_due: "Openstaand bedrag",
    due_on: "Vervaldatum",
    paid_on: "Betaald op",
    next_attempt: "Volgende poging",
    charged: "Afgeschreven",
    refunded: "Totaal terugbetaald",
    card: "Kaart",
    expires: "Geldig t/m",
    code: "Inlogcode",
    open: "Facturering openen",
    trial_ends: "Proefperiode eindigt op",
    renews_on: "Wordt verlengd op",
    at_least: "Minimaal, plus verbruik",
    endpoint: "Webhook-endpoint",
    environment: "Omgeving",
    failing_since: "Mislukt sinds",
    last_error: "Laatste fout",
    enable_again: "Opnieuw inschakelen",
    send_missed: "Gemiste gebeurtenissen sturen",
    open_invoice: "Factuur bekijken en betalen",
    invoice: Text {
        subject: "Factuur {number} van {seller}",
        body: "In de bijlage vindt u uw factuur {number}. Betaal deze uiterlijk op de onderstaande \
               datum.",
    },
    receipt: Text {
        subject: "Betalingsbewijs voor factuur {number} van {seller}",
        body: "Bedankt voor uw betaling. In de bijlage vindt u de betaalde factuur.",
    },
    payment_failed: Text {
        subject: "Uw betaling aan {seller} is mislukt",
        body: "We konden het bedrag niet van uw betaalmethode afschrijven. Controleer deze in uw \
               factureringsinstellingen of voeg daar een andere toe.",
    },
    subscription_canceled: Text {
        subject: "Uw abonnement {plan} is beëindigd",
        body: "Uw abonnement {plan} is beëindigd en wordt niet verlengd. Verbruik dat nog niet is \
               gefactureerd, kan nog op een laatste factuur staan.",
    },
    refund: Text {
        subject: "Terugbetaling van {seller}",
        body: "We hebben een betaling aan u terugbetaald. Het kan enkele dagen duren voordat u dit \
               bij uw bank ziet.",
    },
    card_expiring: Text {
        subject: "Uw kaart voor {seller} verloopt binnenkort",
        body: "De kaart waarmee u uw aankopen betaalt, verloopt binnenkort. Voeg een andere toe in \
               uw factureringsinstellingen.",
    },
    credits_low: Text {
        subject: "Uw tegoed raakt op: {credits}",
        body: "Uw tegoed aan {credits} is bijna op. U kunt het opwaarderen in uw \
               factureringsinstellingen.",
    },
    login_code: Text {
        subject: "Uw inlogcode voor {seller}",
        body: "Vul deze code in op de pagina waar u de code hebt aangevraagd. De code is tien \
               minuten geldig, en alleen daar. Hebt u de code niet aangevraagd, dan kunt u deze \
               e-mail negeren.",
    },
    portal_link: Text {
        subject: "Uw nieuwe link naar de facturering van {seller}",
        body: "Hier is de link die u hebt aangevraagd. U kunt deze één keer gebruiken, binnen een \
               half uur. Hebt u de link niet aangevraagd, dan kunt u deze e-mail negeren.",
    },
    trial_ending: Text {
        subject: "Uw proefperiode van {plan} eindigt binnenkort",
        body: "Uw proefperiode van {plan} eindigt op de onderstaande datum. Dan begint uw \
               abonnement en is het onderstaande bedrag verschuldigd, inclusief belasting. Wilt \
               u niet doorgaan, zeg dan vóór die datum op in uw factureringsinstellingen.",
    },
    renewal_upcoming: Text {
        subject: "Uw abonnement {plan} wordt binnenkort verlengd",
        body: "Uw abonnement {plan} wordt verlengd op de onderstaande datum. Dan is het \
               onderstaande bedrag verschuldigd, inclusief belasting. Wilt u niet verlengen, \
               zeg dan vóór die datum op in uw factureringsinstellingen.",
    },
    endpoint_disabled: Text {
        subject: "Een webhook-endpoint van {seller} is uitgeschakeld",
        body: "Dit webhook-endpoint is vijf dagen lang alleen maar mislukt en ontvangt daarom \
               geen gebeurtenissen meer. Herstel de ontvanger, schakel daarna het endpoint \
               opnieuw in en vraag de gemiste gebeurtenissen op met de twee verzoeken \
               hieronder.",
    },
    invoice_link: Text {
        subject: "Uw link naar factuur {number} van {seller}",
        body: "Hier is de link die u hebt aangevraagd. Deze opent de factuur totdat die is \
               betaald. Hebt u de link niet aangevraagd, dan kunt u deze e-mail negeren.",
    },
};
