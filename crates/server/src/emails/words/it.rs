//! Italian.

use super::{Text, Words};

pub const WORDS: Words = Words {
    language: "it",
    right_to_left: false,
    greeting: "Buongiorno {name},",
    questions: "Domande? Scriva a {email}.",
    number: "Fattura",
    amount: "Importo",
    amount_due: "Importo dovuto",
    due_on: "Scadenza",
    paid_on: "Pagata il",
    next_attempt: "Prossimo tentativo",
    charged: "Addebitato",
    refunded: "Totale rimborsato",
    card: "Carta",
    expires: "Scadenza",
    code: "Codice di accesso",
    open: "Apri la fatturazione",
    trial_ends: "Fine della prova",
    renews_on: "Rinnovo",
    at_least: "Almeno, più il consumo",
    endpoint: "Endpoint webhook",
    environment: "Ambiente",
    failing_since: "In errore dal",
    last_error: "Ultimo errore",
    enable_again: "Riattivarlo",
    send_missed: "Inviare gli eventi persi",
    open_invoice: "Visualizza e paga la fattura",
    invoice: Text {
        subject: "Fattura {number} di {seller}",
        body: "In allegato trova la Sua fattura {number}. La preghiamo di pagarla entro la data \
               indicata di seguito.",
    },
    receipt: Text {
        subject: "Ricevuta per {number} di {seller}",
        body: "Grazie per il pagamento. In allegato trova la fattura pagata.",
    },
    payment_failed: Text {
        subject: "Il Suo pagamento a {seller} non è riuscito",
        body: "Non è stato possibile addebitare il Suo metodo di pagamento. Lo verifichi nella Sua \
               pagina di fatturazione o ne aggiunga un altro.",
    },
    subscription_canceled: Text {
        subject: "Il Suo abbonamento {plan} è terminato",
        body: "Il Suo abbonamento {plan} è terminato e non si rinnova. Il consumo non ancora \
               fatturato può comparire in un’ultima fattura.",
    },
    refund: Text {
        subject: "Rimborso da {seller}",
        body: "Abbiamo rimborsato un pagamento. La Sua banca può impiegare alcuni giorni per \
               mostrarlo.",
    },
    card_expiring: Text {
        subject: "La Sua carta per {seller} sta per scadere",
        body: "La carta su cui addebitiamo i Suoi acquisti sta per scadere. Ne aggiunga un’altra \
               nella Sua pagina di fatturazione.",
    },
    credits_low: Text {
        subject: "Il Suo saldo sta per esaurirsi: {credits}",
        body: "Il Suo saldo di {credits} è basso. Può ricaricarlo nella Sua pagina di fatturazione.",
    },
    login_code: Text {
        subject: "Il Suo codice di accesso per {seller}",
        body: "Inserisca questo codice nella pagina in cui lo ha richiesto. È valido per dieci minuti \
               e solo lì. Se non lo ha richiesto, può ignorare questa e-mail.",
    },
    portal_link: Text {
        subject: "Il Suo nuovo link alla fatturazione di {seller}",
        body: "Ecco il link che ha richiesto. Funziona una sola volta, per mezz’ora. Se non lo ha \
               richiesto, può ignorare questa e-mail.",
    },
    trial_ending: Text {
        subject: "La Sua prova di {plan} sta per terminare",
        body: "La Sua prova di {plan} termina alla data indicata di seguito. Da allora inizia \
               il Suo abbonamento ed è dovuto l’importo indicato di seguito, imposte incluse. \
               Se non desidera continuare, lo disdica prima di quella data nella Sua pagina di \
               fatturazione.",
    },
    renewal_upcoming: Text {
        subject: "Il Suo abbonamento {plan} sta per rinnovarsi",
        body: "Il Suo abbonamento {plan} si rinnova alla data indicata di seguito; in quel \
               momento è dovuto l’importo indicato di seguito, imposte incluse. Se non desidera \
               rinnovarlo, lo disdica prima di quella data nella Sua pagina di fatturazione.",
    },
    endpoint_disabled: Text {
        subject: "Un endpoint webhook di {seller} è stato disattivato",
        body: "Questo endpoint webhook è in errore da cinque giorni senza alcun successo e \
               perciò non riceve più eventi. Corregga il destinatario, poi riattivi l’endpoint \
               e richieda gli eventi persi con le due richieste indicate di seguito.",
    },
    invoice_link: Text {
        subject: "Il Suo link alla fattura {number} di {seller}",
        body: "Ecco il link che ha richiesto. Apre questa fattura finché non viene pagata. Se \
               non lo ha richiesto, può ignorare questa e-mail.",
    },
};
