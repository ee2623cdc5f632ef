//! The fixed words of e-mails, a file for each language. Any other language gets English ones.

mod ar;
mod de;
mod en;
mod es;
mod fr;
mod it;
mod ja;
mod nl;
mod pl;
mod pt;
mod tr;
mod zh;

use super::EmailKind;
use unitpay_invoice_pdf::is_traditional_chinese;

/// The words of one language. `{name}`, `{seller}`, `{number}`, `{plan}`, `{credits}` and `{email}`
/// stand for what they name.
#[derive(Debug)]
pub struct Words {
    pub language: &'static str,
    pub right_to_left: bool,
    pub greeting: &'static str,
    pub questions: &'static str,
    pub number: &'static str,
    pub amount: &'static str,
    pub amount_due: &'static str,
    pub due_on: &'static str,
    pub paid_on: &'static str,
    pub next_attempt: &'static str,
    pub charged: &'static str,
    pub refunded: &'static str,
    pub card: &'static str,
    pub expires: &'static str,
    pub code: &'static str,
    pub open: &'static str,
    pub open_invoice: &'static str,
    pub trial_ends: &'static str,
    pub renews_on: &'static str,
    /// The amount if usage is added to it.
    pub at_least: &'static str,
    pub endpoint: &'static str,
    pub environment: &'static str,
    pub failing_since: &'static str,
    pub last_error: &'static str,
    pub enable_again: &'static str,
    pub send_missed: &'static str,
    invoice: Text,
    receipt: Text,
    payment_failed: Text,
    subscription_canceled: Text,
    refund: Text,
    card_expiring: Text,
    credits_low: Text,
    trial_ending: Text,
    renewal_upcoming: Text,
    endpoint_disabled: Text,
    login_code: Text,
    portal_link: Text,
    invoice_link: Text,
}

/// The subject and the paragraph of a kind of e-mail.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    pub subject: &'static str,
    pub body: &'static str,
}

impl Words {
    /// Returns the words for a BCP 47 tag. Chinese in the traditional script has none.
    pub fn find(locale: &str) -> &'static Self {
        ALL.into_iter().find(|words| words.is_for(locale)).unwrap_or(&en::WORDS)
    }

    /// Returns whether the words are in the language and script of a BCP 47 tag.
    pub fn is_for(&self, locale: &str) -> bool {
        let language = |tag: &str| tag.split(['-', '_']).next().unwrap_or_default().to_lowercase();
        language(self.language) == language(locale) && !is_traditional_chinese(locale)
    }

    pub const fn text(&self, kind: EmailKind) -> Text {
        match kind {
            EmailKind::Invoice => self.invoice,
            EmailKind::Receipt => self.receipt,
            EmailKind::PaymentFailed => self.payment_failed,
            EmailKind::SubscriptionCanceled => self.subscription_canceled,
            EmailKind::Refund => self.refund,
            EmailKind::CardExpiring => self.card_expiring,
            EmailKind::CreditsLow => self.credits_low,
            EmailKind::TrialEnding => self.trial_ending,
            EmailKind::RenewalUpcoming => self.renewal_upcoming,
            EmailKind::EndpointDisabled => self.endpoint_disabled,
            EmailKind::LoginCode => self.login_code,
            EmailKind::PortalLink => self.portal_link,
            EmailKind::InvoiceLink => self.invoice_link,
        }
    }
}

const ALL: [&Words; 12] = [
    &en::WORDS,
    &de::WORDS,
    &ar::WORDS,
    &fr::WORDS,
    &es::WORDS,
    &it::WORDS,
    &pt::WORDS,
    &nl::WORDS,
    &pl::WORDS,
    &tr::WORDS,
    &ja::WORDS,
    &zh::WORDS,
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Returns the names in braces.
    fn names(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect()
    }

    fn texts(words: &Words) -> Vec<&str> {
        let Words { greeting, questions, number, amount, amount_due, due_on, paid_on, .. } = words;
        let Words {
            next_attempt, charged, refunded, card, expires, code, open, open_invoice, ..
        } = words;
        let mut texts = vec![*greeting, questions, number, amount, amount_due, due_on, paid_on];
        texts.extend([*next_attempt, charged, refunded, card, expires, code, open, open_invoice]);
        let Words { trial_ends, renews_on, at_least, endpoint, environment, .. } = words;
        let Words { failing_since, last_error, enable_again, send_missed, .. } = words;
        texts.extend([*trial_ends, renews_on, at_least, endpoint, environment]);
        texts.extend([*failing_since, last_error, enable_again, send_missed]);
        texts.extend(EmailKind::ALL.iter().flat_map(|kind| {
            let Text { subject, body } = words.text(*kind);
            [subject, body]
        }));
        texts
    }

    #[test]
    fn every_language_has_the_placeholders_of_english() {
        let english = texts(&en::WORDS);
        for words in ALL {
            for (text, english) in texts(words).into_iter().zip(&english) {
                assert_eq!(names(text), names(english), "{}: {text}", words.language);
                assert!(!text.is_empty() && text.trim() == text, "{}: {english}", words.language);
                let is_translated = words.language == "en" || text != *english;
                assert!(is_translated, "{}: {text}", words.language);
            }
        }
    }

    #[test]
    fn locale_chooses_its_language_or_english() {
        let language = |tag| Words::find(tag).language;
        assert_eq!(
            ["de-AT", "AR", "ar_EG", "fr", "sv", "", "den"].map(language),
            ["de", "ar", "ar", "fr", "en", "en", "en"]
        );
        assert_eq!(
            ["pt", "pt-PT", "zh", "zh-CN", "zh-Hans-HK", "zh-TW", "zh_Hant"].map(language),
            ["pt-BR", "pt-BR", "zh-Hans", "zh-Hans", "zh-Hans", "en", "en"]
        );
    }
}
