//! Currencies: their decimals (ISO 4217) and their signs.

use unitpay_billing::money::Currency;

/// Returns the number of decimals of a currency's amounts; 2 for an unknown code.
pub fn exponent(code: &str) -> u32 {
    code.parse::<Currency>().map_or(2, |currency| currency.exponent())
}

/// Returns the sign of a currency, if it has an unambiguous one.
/// The plain `$` is kept for readers in the United States.
pub(crate) fn symbol(code: &str, language: &str, region: &str) -> Option<&'static str> {
    let us = region == "US" || (language == "en" && region.is_empty());
    Some(match code {
        "AUD" => "A$",
        "BRL" => "R$",
        "CAD" => "CA$",
        "CNY" if language == "zh" => "¥",
        "CNY" => "CN¥",
        "EUR" => "€",
        "GBP" => "£",
        "HKD" => "HK$",
        "ILS" => "₪",
        "INR" => "₹",
        "JPY" if language == "zh" => "JP¥",
        "JPY" => "¥",
        "KRW" => "₩",
        "MXN" => "MX$",
        "NZD" => "NZ$",
        "PLN" if language == "pl" => "zł",
        "TRY" if language == "tr" => "₺",
        "USD" if us => "$",
        "USD" => "US$",
        _ => return None,
    })
}
