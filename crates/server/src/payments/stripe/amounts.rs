//! Amounts as Stripe takes them. Ours are minor units of ISO 4217; Stripe's differ for some currencies.

use crate::base::Currency;

/// Currencies that Stripe takes without decimals. ISK and UGX are not among them: Stripe takes them
/// as though they had two.
const WITHOUT_DECIMALS: [&str; 15] = [
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF",
    "XOF", "XPF",
];
/// Currencies that Stripe does not take.
const NOT_TAKEN: [&str; 2] = ["IQD", "LYD"];
/// Stripe takes eight digits at most.
const MOST: i64 = 99_999_999;

/// The least that Stripe charges, in our minor units. The true limit is in the currency that the account
/// settles in, so Stripe may refuse more than this.
const MINIMUMS: [(&str, i64); 24] = [
    ("AED", 200),
    ("AUD", 50),
    ("BRL", 50),
    ("CAD", 50),
    ("CHF", 50),
    ("CZK", 1_500),
    ("DKK", 250),
    ("EUR", 50),
    ("GBP", 30),
    ("HKD", 400),
    ("HUF", 17_500),
    ("INR", 50),
    ("JPY", 50),
    ("MXN", 1_000),
    ("MYR", 200),
    ("NOK", 300),
    ("NZD", 50),
    ("PLN", 200),
    ("RON", 200),
    ("SEK", 300),
    ("SGD", 50),
    ("THB", 1_000),
    ("USD", 50),
    ("ZAR", 50),
];

/// Converts an amount for Stripe; `None` if Stripe does not take it.
pub fn to_stripe(amount: i64, currency: Currency) -> Option<i64> {
    let code = currency.as_str();
    if NOT_TAKEN.contains(&code) {
        return None;
    }
    let ours = currency.exponent();
    let theirs = decimals(currency);
    let converted = match (ours, theirs) {
        (3, _) if amount % 10 != 0 => return None,
        (0, 2) => amount.checked_mul(100)?,
        (2, 0) if amount % 100 != 0 => return None,
        (2, 0) => amount / 100,
        (_, _) => amount,
    };
    (1..=MOST).contains(&converted).then_some(converted)
}

/// Converts an amount of Stripe's; `None` if it is out of range.
pub fn from_stripe(amount: i64, currency: Currency) -> Option<i64> {
    match (currency.exponent(), decimals(currency)) {
        (0, 2) => Some(amount / 100),
        (2, 0) => amount.checked_mul(100),
        (_, _) => Some(amount),
    }
}

/// The least that can be charged, in our minor units.
pub fn minimum(currency: Currency) -> i64 {
    let known = MINIMUMS.iter().find(|(code, _)| *code == currency.as_str());
    let unknown = match (currency.exponent(), decimals(currency)) {
        (3, _) => 500,
        (2, 0) => 100,
        (_, _) => 50,
    };
    known.map_or(unknown, |(_, least)| *least)
}

/// The decimals by which Stripe reads a currency's amounts.
fn decimals(currency: Currency) -> u32 {
    match currency.exponent() {
        3 => 3,
        _ if WITHOUT_DECIMALS.contains(&currency.as_str()) => 0,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by hand from Stripe's page on currencies, apart from the lists above.
    fn expected(code: &str) -> (u32, u32) {
        match code {
            "MGA" => (2, 0),
            "ISK" | "UGX" => (0, 2),
            "BIF" | "CLP" | "DJF" | "GNF" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "VND"
            | "VUV" | "XAF" | "XOF" | "XPF" => (0, 0),
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => (3, 3),
            _ => (2, 2),
        }
    }

    fn every_currency() -> Vec<Currency> {
        let letters = || 'A'..='Z';
        let codes = letters().flat_map(|a| {
            letters().flat_map(move |b| letters().map(move |c| format!("{a}{b}{c}")))
        });
        codes.filter_map(|code| code.parse().ok()).collect()
    }

    #[test]
    fn amounts_of_every_currency_are_worth_the_same_at_stripe() {
        let all = every_currency();
        assert!(all.len() > 140, "{}", all.len());
        for currency in all {
            let code = currency.as_str();
            let (ours, theirs) = expected(code);
            assert_eq!((currency.exponent(), decimals(currency)), (ours, theirs), "{code}");
            // 1,230 whole units.
            let amount = 1_230 * 10_i64.pow(ours);
            let sent = to_stripe(amount, currency);
            if code == "IQD" || code == "LYD" {
                assert_eq!(sent, None, "{code}");
                continue;
            }
            assert_eq!(sent, Some(1_230 * 10_i64.pow(theirs)), "{code}");
            let back = sent.and_then(|sent| from_stripe(sent, currency));
            assert_eq!(back, Some(amount), "{code}");
        }
    }

    #[test]
    fn amounts_that_stripe_refuses_are_not_sent() {
        let to = |amount, code: &str| to_stripe(amount, code.parse().unwrap());
        assert_eq!(to(150, "MGA"), None);
        assert_eq!(to(1_001, "KWD"), None);
        assert_eq!(to(1_010, "KWD"), Some(1_010));
        assert_eq!(to(100_000_000, "USD"), None);
        assert_eq!(to(99_999_999, "USD"), Some(99_999_999));
        assert_eq!(to(1_000_000, "ISK"), None);
        assert_eq!(to(0, "USD"), None);
        assert_eq!(to(-5, "USD"), None);
    }

    #[test]
    fn minimum_of_every_currency_can_be_sent() {
        for currency in every_currency() {
            let code = currency.as_str();
            let taken = to_stripe(minimum(currency), currency).is_some();
            assert_eq!(taken, !NOT_TAKEN.contains(&code), "{code}");
        }
    }
}
