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
};
