//! English.

use super::{Text, Words};

pub const WORDS: Words = Words {
    language: "en",
    right_to_left: false,
    greeting: "Hello {name},",
    questions: "Questions? Write to {email}.",
    number: "Invoice",
    amount: "Amount",
    amount_due: "Amount due",
    due_on: "Due on",
    paid_on: "Paid on",
    next_attempt: "Next attempt",
    charged: "Charged",
    refunded: "Refunded in total",
    card: "Card",
    expires: "Valid until",
    code: "Code",
    open: "Open billing",
    open_invoice: "View and pay the invoice",
    trial_ends: "Trial ends on",
    renews_on: "Renews on",
    at_least: "At least, plus usage",
    endpoint: "Endpoint",
    environment: "Environment",
    failing_since: "Failing since",
    last_error: "Last error",
    enable_again: "Enable it",
    send_missed: "Send missed events",
    invoice: Text {
        subject: "Invoice {number} from {seller}",
        body: "Your invoice {number} is attached. Please pay it by the date below.",
    },
    receipt: Text {
        subject: "Receipt for {number} from {seller}",
        body: "Thank you for your payment. The paid invoice is attached.",
    },
    payment_failed: Text {
        subject: "Your payment to {seller} failed",
        body: "We could not charge your payment method. Please check it in your billing settings, or \
               add another one there.",
    },
    subscription_canceled: Text {
        subject: "Your subscription {plan} has ended",
        body: "Your subscription {plan} has ended and does not renew. Usage that was not billed yet \
               may still be on a last invoice.",
    },
    refund: Text {
        subject: "Refund from {seller}",
        body: "We have refunded a payment. Your bank may take a few days to show it.",
    },
    card_expiring: Text {
        subject: "Your card for {seller} expires soon",
        body: "The card that we charge for your purchases expires soon. Please add another one in \
               your billing settings.",
    },
    credits_low: Text {
        subject: "Your {credits} are running low",
        body: "Your balance of {credits} is low. You can top it up in your billing settings.",
    },
    trial_ending: Text {
        subject: "Your trial of {plan} ends soon",
        body: "Your trial of {plan} ends on the date below. Your subscription then begins, and the amount \
               below is due, taxes included. If you do not want to continue, cancel it in your billing \
               settings before that date.",
    },
    renewal_upcoming: Text {
        subject: "Your subscription {plan} renews soon",
        body: "Your subscription {plan} renews on the date below, and the amount below is due then, taxes \
               included. If you do not want to renew it, cancel it in your billing settings before that \
               date.",
    },
    endpoint_disabled: Text {
        subject: "A webhook endpoint of {seller} was disabled",
        body: "This webhook endpoint has failed for five days without a success, so it gets no more events. \
               Mend the receiver, then enable the endpoint and ask for the events that it missed: the two \
               requests below do that.",
    },
    login_code: Text {
        subject: "Your sign-in code for {seller}",
        body: "Enter this code on the page where you asked for it. It works for ten minutes, and only \
               there. If you did not ask for it, you can ignore this e-mail.",
    },
    portal_link: Text {
        subject: "Your new billing link from {seller}",
        body: "Here is the link that you asked for. It works once, for half an hour. If you did not ask for it, you can \
               ignore this e-mail.",
    },
    invoice_link: Text {
        subject: "Your link to invoice {number} from {seller}",
        body: "Here is the link that you asked for. It opens this invoice until it is paid. If you did not ask for it, \
               you can ignore this e-mail.",
    },
};
