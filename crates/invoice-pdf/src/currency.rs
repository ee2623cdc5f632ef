//! What ISO 4217 says of a currency, and the sign that readers expect.

/// How many decimals the amounts of a currency have: 0, 2 or 3 (ISO 4217). The few codes with
/// four are no money that anybody pays with.
pub fn exponent(code: &str) -> u32 {
    match code {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX"
        | "UYI" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// The sign of a currency, where it has one that cannot be taken for another currency's.
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
        "USD" if us => "$",
        "USD" => "US$",
        _ => return None,
    })
}
