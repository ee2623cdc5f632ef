//! Polish.

use super::{Text, Words};

pub const WORDS: Words = Words {
    language: "pl",
    right_to_left: false,
    greeting: "Dzień dobry, {name}!",
    questions: "Masz pytania? Napisz na adres {email}.",
    number: "Faktura",
    amount: "Kwota",
    amount_due: "Do zapłaty",
    due_on: "Termin płatności",
    paid_on: "Data zapłaty",
    next_attempt: "Następna próba",
    charged: "Pobrano",
    refunded: "Łącznie zwrócono",
    card: "Karta",
    expires: "Ważna do",
    code: "Kod",
    open: "Otwórz rozliczenia",
    trial_ends: "Koniec okresu próbnego",
    renews_on: "Odnowienie",
    at_least: "Co najmniej, plus zużycie",
    endpoint: "Punkt końcowy",
    environment: "Środowisko",
    failing_since: "Błędy od",
    last_error: "Ostatni błąd",
    enable_again: "Włącz ponownie",
    send_missed: "Wyślij pominięte zdarzenia",
    open_invoice: "Zobacz i opłać fakturę",
    invoice: Text {
        subject: "Faktura {number} od {seller}",
        body: "W załączniku znajdziesz fakturę {number}. Opłać ją do dnia podanego poniżej.",
    },
    receipt: Text {
        subject: "Potwierdzenie płatności za fakturę {number} od {seller}",
        body: "Dziękujemy za płatność. W załączniku znajdziesz opłaconą fakturę.",
    },
    payment_failed: Text {
        subject: "Twoja płatność dla {seller} się nie powiodła",
        body: "Nie udało nam się obciążyć Twojej metody płatności. Sprawdź ją w ustawieniach \
               rozliczeń lub dodaj tam inną.",
    },
    subscription_canceled: Text {
        subject: "Twój plan {plan} został zakończony",
        body: "Twój plan {plan} został zakończony i nie zostanie odnowiony. Nierozliczone jeszcze \
               zużycie może znaleźć się na ostatniej fakturze.",
    },
    refund: Text {
        subject: "Zwrot od {seller}",
        body: "Zwróciliśmy płatność. Zanim zobaczysz ją w swoim banku, może minąć kilka dni.",
    },
    card_expiring: Text {
        subject: "{seller}: Twoja karta wkrótce straci ważność",
        body: "Karta, z której pobieramy płatności za Twoje zakupy, wkrótce straci ważność. Dodaj \
               inną w ustawieniach rozliczeń.",
    },
    credits_low: Text {
        subject: "Kończą się Twoje środki: {credits}",
        body: "Masz już mało środków ({credits}). Możesz je doładować w ustawieniach rozliczeń.",
    },
    login_code: Text {
        subject: "Twój kod logowania do {seller}",
        body: "Wpisz ten kod na stronie, na której się logujesz. Działa przez dziesięć minut i \
               tylko tam. Jeśli to nie Twoja prośba, zignoruj tę wiadomość.",
    },
    portal_link: Text {
        subject: "Twój nowy link do rozliczeń od {seller}",
        body: "Oto link wysłany na Twoją prośbę. Można go użyć raz, w ciągu pół godziny. Jeśli to \
               nie Twoja prośba, zignoruj tę wiadomość.",
    },
    trial_ending: Text {
        subject: "Twój okres próbny planu {plan} wkrótce się kończy",
        body: "Twój okres próbny planu {plan} kończy się w dniu podanym poniżej. Wtedy \
               rozpocznie się płatny plan, a poniższa kwota, wraz z podatkiem, stanie się \
               wymagalna. Jeśli nie chcesz kontynuować, zrezygnuj z planu przed tym dniem w \
               ustawieniach rozliczeń.",
    },
    renewal_upcoming: Text {
        subject: "Twój plan {plan} wkrótce się odnowi",
        body: "Twój plan {plan} odnowi się w dniu podanym poniżej i wtedy poniższa kwota, wraz \
               z podatkiem, stanie się wymagalna. Jeśli nie chcesz go odnawiać, zrezygnuj z \
               planu przed tym dniem w ustawieniach rozliczeń.",
    },
    endpoint_disabled: Text {
        subject: "Punkt końcowy webhooków {seller} został wyłączony",
        body: "Ten punkt końcowy webhooków od pięciu dni zwraca wyłącznie błędy, dlatego nie \
               otrzymuje już zdarzeń. Napraw odbiornik, a następnie włącz punkt końcowy i \
               poproś o pominięte zdarzenia za pomocą dwóch poniższych żądań.",
    },
    invoice_link: Text {
        subject: "Twój link do faktury {number} od {seller}",
        body: "Oto link wysłany na Twoją prośbę. Otwiera tę fakturę, dopóki nie zostanie \
               opłacona. Jeśli to nie Twoja prośba, zignoruj tę wiadomość.",
    },
};
