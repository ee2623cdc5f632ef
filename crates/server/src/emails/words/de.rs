//! German.

use super::{Text, Words};

pub const WORDS: Words = Words {
    language: "de",
    right_to_left: false,
    greeting: "Guten Tag {name},",
    questions: "Fragen? Schreiben Sie an {email}.",
    number: "Rechnung",
    amount: "Betrag",
    amount_due: "Offener Betrag",
    due_on: "Fällig am",
    paid_on: "Bezahlt am",
    next_attempt: "Nächster Versuch",
    charged: "Abgebucht",
    refunded: "Insgesamt erstattet",
    card: "Karte",
    expires: "Gültig bis",
    code: "Anmeldecode",
    open: "Abrechnung öffnen",
    open_invoice: "Rechnung ansehen und bezahlen",
    trial_ends: "Testphase endet am",
    renews_on: "Verlängert sich am",
    at_least: "Mindestens, zuzüglich Nutzung",
    endpoint: "Endpunkt",
    environment: "Umgebung",
    failing_since: "Fehler seit",
    last_error: "Letzter Fehler",
    enable_again: "Aktivieren",
    send_missed: "Verpasste Ereignisse senden",
    invoice: Text {
        subject: "Rechnung {number} von {seller}",
        body: "Ihre Rechnung {number} ist angehängt. Bitte bezahlen Sie sie bis zum unten genannten \
               Tag.",
    },
    receipt: Text {
        subject: "Zahlungsbeleg zu {number} von {seller}",
        body: "Vielen Dank für Ihre Zahlung. Die bezahlte Rechnung ist angehängt.",
    },
    payment_failed: Text {
        subject: "Ihre Zahlung an {seller} ist fehlgeschlagen",
        body: "Wir konnten Ihr Zahlungsmittel nicht belasten. Bitte prüfen Sie es in Ihren \
               Abrechnungseinstellungen, oder fügen Sie dort ein anderes hinzu.",
    },
    subscription_canceled: Text {
        subject: "Ihr Abonnement {plan} ist beendet",
        body: "Ihr Abonnement {plan} ist beendet und verlängert sich nicht. Noch nicht abgerechnete \
               Nutzung kann auf einer letzten Rechnung stehen.",
    },
    refund: Text {
        subject: "Erstattung von {seller}",
        body: "Wir haben eine Zahlung erstattet. Bis Ihre Bank sie anzeigt, können einige Tage \
               vergehen.",
    },
    card_expiring: Text {
        subject: "Ihre Karte bei {seller} läuft bald ab",
        body: "Die Karte, von der wir Ihre Käufe abbuchen, läuft bald ab. Bitte fügen Sie in Ihren \
               Abrechnungseinstellungen eine andere hinzu.",
    },
    credits_low: Text {
        subject: "Ihr Guthaben geht zur Neige: {credits}",
        body: "Ihr Guthaben an {credits} ist fast aufgebraucht. Sie können es in Ihren \
               Abrechnungseinstellungen aufladen.",
    },
    trial_ending: Text {
        subject: "Ihre Testphase von {plan} endet bald",
        body: "Ihre Testphase von {plan} endet an dem unten genannten Tag. Danach beginnt Ihr Abonnement, \
               und der unten genannte Betrag wird fällig, Steuern inbegriffen. Wenn Sie nicht fortfahren \
               möchten, kündigen Sie vor diesem Tag in Ihren Abrechnungseinstellungen.",
    },
    renewal_upcoming: Text {
        subject: "Ihr Abonnement {plan} verlängert sich bald",
        body: "Ihr Abonnement {plan} verlängert sich an dem unten genannten Tag. Dann wird der unten \
               genannte Betrag fällig, Steuern inbegriffen. Wenn Sie es nicht verlängern möchten, kündigen \
               Sie vor diesem Tag in Ihren Abrechnungseinstellungen.",
    },
    endpoint_disabled: Text {
        subject: "Ein Webhook-Endpunkt von {seller} wurde deaktiviert",
        body: "Dieser Webhook-Endpunkt ist seit fünf Tagen ohne einen Erfolg fehlgeschlagen und erhält \
               deshalb keine Ereignisse mehr. Beheben Sie den Fehler des Empfängers. Aktivieren Sie danach \
               den Endpunkt, und fordern Sie die verpassten Ereignisse an: mit den beiden Anfragen unten.",
    },
    login_code: Text {
        subject: "Ihr Anmeldecode für {seller}",
        body: "Geben Sie diesen Code auf der Seite ein, auf der Sie ihn angefordert haben. Er gilt zehn \
               Minuten und nur dort. Wenn Sie ihn nicht angefordert haben, können Sie diese E-Mail \
               ignorieren.",
    },
    portal_link: Text {
        subject: "Ihr neuer Link zur Abrechnung von {seller}",
        body: "Hier ist der Link, den Sie angefordert haben. Er funktioniert einmal und eine halbe Stunde lang. Wenn \
               Sie ihn nicht angefordert haben, können Sie diese E-Mail ignorieren.",
    },
    invoice_link: Text {
        subject: "Ihr Link zur Rechnung {number} von {seller}",
        body: "Hier ist der Link, den Sie angefordert haben. Er öffnet diese Rechnung, bis sie bezahlt ist. Wenn Sie \
               ihn nicht angefordert haben, können Sie diese E-Mail ignorieren.",
    },
};
