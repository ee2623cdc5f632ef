//! Money: integers in a currency's minor unit, never a float; and exact decimals for prices and
//! quantities.
//!
//! Callers never add amounts of different currencies. Only [`divide`] rounds, half away from zero.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The largest amount of money or credits, in minor units, that an object may carry.
pub const MAX_AMOUNT: i64 = 1_000_000_000_000;

/// A sum or product left the range of amounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow;

/// A text that is not a currency code or not a decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotMoney;

/// An ISO 4217 code of a currency with 0, 2 or 3 decimals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// Every code in use with two decimals, ISO 4217; sorted, as the other two are, four bytes each.
const TWO: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN \
    BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP \
    GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL \
    MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK \
    PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB \
    TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG ";
const ZERO: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF ";
const THREE: &str = "BHD IQD JOD KWD LYD OMR TND ";

impl Currency {
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Lists the codes of the currencies that have no decimals or three, with their exponent.
    pub fn exponents_other_than_two() -> impl Iterator<Item = (&'static str, u32)> {
        [(ZERO, 0), (THREE, 3)].into_iter().flat_map(|(list, exponent)| {
            list.split_ascii_whitespace().map(move |code| (code, exponent))
        })
    }

    /// Returns the number of decimals: a minor unit is `10^-exponent`.
    pub fn exponent(&self) -> u32 {
        if has(ZERO, &self.0) {
            0
        } else if has(THREE, &self.0) {
            3
        } else {
            2
        }
    }
}

impl FromStr for Currency {
    type Err = NotMoney;

    fn from_str(text: &str) -> Result<Self, NotMoney> {
        let code = text.as_bytes().try_into().map_err(|_| NotMoney)?;
        let known = [TWO, ZERO, THREE].iter().any(|list| has(list, &code));
        if known { Ok(Self(code)) } else { Err(NotMoney) }
    }
}

fn has(list: &str, code: &[u8; 3]) -> bool {
    let codes = list.as_bytes().as_chunks::<4>().0;
    codes.binary_search_by(|known| known[..3].cmp(code)).is_ok()
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An exact decimal of at most twelve fraction digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(i128);

impl Decimal {
    pub const ZERO: Self = Self(0);
    /// One, in [`Decimal::units`].
    pub const ONE: i128 = 1_000_000_000_000;
    const DIGITS: usize = 12;

    /// A decimal of this many trillionths.
    pub const fn from_units(units: i128) -> Self {
        Self(units)
    }

    pub const fn from_integer(integer: i64) -> Self {
        Self(integer as i128 * Self::ONE)
    }

    /// The value in trillionths.
    pub const fn units(self) -> i128 {
        self.0
    }

    /// Reads a plain decimal, with no exponent and no sign but a minus, of at most this many
    /// fraction digits and fifteen digits before them.
    pub fn parse(text: &str, fraction_digits: usize) -> Result<Self, NotMoney> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let well_formed = (1..=15).contains(&whole.len())
            && plain(whole)
            && plain(fraction)
            && fraction.len() <= fraction_digits.min(Self::DIGITS)
            && !digits.ends_with('.');
        if !well_formed {
            return Err(NotMoney);
        }
        let whole: i128 = whole.parse().map_err(|_| NotMoney)?;
        let fraction: i128 =
            format!("{fraction:0<width$}", width = Self::DIGITS).parse().map_err(|_| NotMoney)?;
        let units = whole * Self::ONE + fraction;
        Ok(Self(if negative { -units } else { units }))
    }

    /// Reads a decimal that is not negative as other programs print it, with any number of fraction
    /// digits and perhaps an exponent, and rounds it half away from zero to this many.
    pub fn parse_rounded(text: &str, fraction_digits: usize) -> Result<Self, NotMoney> {
        const LONGEST: usize = 400;
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                (mantissa, exponent.parse::<i16>().map_err(|_| NotMoney)?)
            }
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
        let plain = |text: &str| {
            (1..=LONGEST).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
        };
        if !plain(whole) || !plain(fraction) {
            return Err(NotMoney);
        }
        let digits = [whole, fraction].concat();
        let significant = digits.trim_start_matches('0');
        let zeros = (digits.len() - significant.len()) as i64;
        // How many of the significant digits are kept.
        let kept = whole.len() as i64 - zeros
            + i64::from(exponent)
            + fraction_digits.min(Self::DIGITS) as i64;
        let Ok(kept) = usize::try_from(kept) else { return Ok(Self::ZERO) };
        if significant.is_empty() {
            return Ok(Self::ZERO);
        }
        if kept > 15 + Self::DIGITS {
            return Err(NotMoney);
        }
        let digit = |at: usize| significant.as_bytes().get(at).map_or(0, |b| i128::from(b - b'0'));
        let rounded =
            (0..kept).fold(0, |sum, at| sum * 10 + digit(at)) + i128::from(digit(kept) >= 5);
        Ok(Self(rounded * 10_i128.pow((Self::DIGITS - fraction_digits.min(Self::DIGITS)) as u32)))
    }

    pub fn checked_add(self, other: Self) -> Result<Self, Overflow> {
        self.0.checked_add(other.0).map(Self).ok_or(Overflow)
    }

    pub fn checked_sub(self, other: Self) -> Result<Self, Overflow> {
        self.0.checked_sub(other.0).map(Self).ok_or(Overflow)
    }
}

impl FromStr for Decimal {
    type Err = NotMoney;

    fn from_str(text: &str) -> Result<Self, NotMoney> {
        Self::parse(text, Self::DIGITS)
    }
}

/// As short as it is exact: no trailing zeros, no point without a fraction.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, fraction) = (self.0.abs() / Self::ONE, self.0.abs() % Self::ONE);
        let fraction = format!("{fraction:012}");
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            fraction => write!(f, "{sign}{whole}.{fraction}"),
        }
    }
}

/// Returns `numerator / denominator`, rounded half away from zero, as an amount.
pub fn divide(numerator: i128, denominator: i128) -> Result<i64, Overflow> {
    if denominator <= 0 {
        return Err(Overflow);
    }
    let (quotient, rest) = (numerator / denominator, numerator % denominator);
    let away = if rest.abs() * 2 >= denominator { numerator.signum() } else { 0 };
    amount(quotient + away)
}

/// Returns `numerator / denominator`, rounded up, as an amount. Neither may be negative.
pub fn divide_up(numerator: i128, denominator: i128) -> Result<i64, Overflow> {
    if denominator <= 0 || numerator < 0 {
        return Err(Overflow);
    }
    amount(numerator / denominator + i128::from(numerator % denominator != 0))
}

/// Adds amounts; the sum has to be within the range of amounts.
pub fn sum(amounts: impl IntoIterator<Item = i64>) -> Result<i64, Overflow> {
    amount(amounts.into_iter().map(i128::from).sum())
}

/// Converts an exact integer to an amount when it is within the range of amounts.
pub fn amount(value: i128) -> Result<i64, Overflow> {
    let value = i64::try_from(value).map_err(|_| Overflow)?;
    if value.abs() <= MAX_AMOUNT { Ok(value) } else { Err(Overflow) }
}

macro_rules! as_text {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(|_| serde::de::Error::custom("malformed"))
            }
        }
    )*};
}
as_text!(Currency, Decimal);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_listed_code_is_found() {
        for (list, exponent) in [(ZERO, 0), (TWO, 2), (THREE, 3)] {
            for code in list.split_ascii_whitespace() {
                let currency: Currency = code.parse().unwrap();
                assert_eq!((currency.as_str(), currency.exponent()), (code, exponent));
            }
        }
    }

    #[test]
    fn currency_parse_refuses_unknown_codes() {
        let exponent = |code: &str| code.parse::<Currency>().map(|c| c.exponent());
        assert_eq!(exponent("USD"), Ok(2));
        assert_eq!(exponent("JPY"), Ok(0));
        assert_eq!(exponent("KWD"), Ok(3));
        for code in ["usd", "US", "USDX", "XXX", "", "CLF"] {
            assert_eq!(exponent(code), Err(NotMoney), "{code}");
        }
    }

    #[test]
    fn decimal_round_trips_through_its_text() {
        for text in ["0", "1", "0.000000000001", "-2.5", "999999999999999.999999999999"] {
            assert_eq!(text.parse::<Decimal>().unwrap().to_string(), text);
        }
        assert_eq!("1.50".parse::<Decimal>().unwrap().to_string(), "1.5");
        for text in
            ["", ".5", "1.", "+1", "1e3", "0x1", "1.0000000000001", "1000000000000000", "--1", " 1"]
        {
            assert_eq!(text.parse::<Decimal>(), Err(NotMoney), "{text}");
        }
        assert_eq!(Decimal::parse("0.1234567", 6), Err(NotMoney));
    }

    #[test]
    fn floats_are_rounded_half_away_from_zero() {
        for (text, rounded) in [
            ("0.30000000000000004", "0.3"),
            ("0.3333333333333333", "0.333333"),
            ("0.0000005", "0.000001"),
            ("0.00000049999999999", "0"),
            ("0.9999995", "1"),
            ("1234.5678915", "1234.567892"),
            ("5e-7", "0.000001"),
            ("4.9e-7", "0"),
            ("1e-300", "0"),
            ("1.5E3", "1500"),
            ("0.00012e4", "1.2"),
            ("0e9", "0"),
            ("007", "7"),
            ("999999999999999", "999999999999999"),
        ] {
            assert_eq!(Decimal::parse_rounded(text, 6).unwrap().to_string(), rounded, "{text}");
        }
        for bad in
            ["", ".5", "1.", "-1", "+1", "1e", "1e99999", "1e30", "e5", "1.2.3", "NaN", "1_0"]
        {
            assert_eq!(Decimal::parse_rounded(bad, 6), Err(NotMoney), "{bad}");
        }
    }

    #[test]
    fn division_rounds_half_away_from_zero() {
        let cases =
            [(5, 2, 3), (-5, 2, -3), (4, 3, 1), (-4, 3, -1), (1, 2, 1), (-1, 2, -1), (0, 7, 0)];
        for (numerator, denominator, rounded) in cases {
            assert_eq!(divide(numerator, denominator), Ok(rounded), "{numerator}/{denominator}");
        }
        assert_eq!(divide_up(1, 3), Ok(1));
        assert_eq!(divide_up(3, 3), Ok(1));
        assert_eq!(divide(1, 0), Err(Overflow));
        assert_eq!(divide(i128::from(MAX_AMOUNT) + 1, 1), Err(Overflow));
        assert_eq!(sum([MAX_AMOUNT, 1]), Err(Overflow));
        assert_eq!(sum([MAX_AMOUNT, 1, -1]), Ok(MAX_AMOUNT));
    }
}
