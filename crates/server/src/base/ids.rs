//! Ids: TypeIDs with a prefix and the 26 base32 characters of a UUIDv7.
//!
//! An id is 128 bits in memory and text at the edges. Ids created by one process ascend strictly,
//! also within one millisecond, so sorting by id sorts by creation.

use super::{Clock, Random};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const DIGITS: usize = 26;
/// The value of each byte as a digit; [`NO_DIGIT`] for all others.
const VALUES: [u8; 256] = values();
const NO_DIGIT: u8 = 0xff;
/// The maximum length of an id's text.
const LONGEST: usize = 40;

/// The text is not an id of the expected kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnId;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal $make:ident)*) => {
        impl Ids {
            $(pub fn $make(&self) -> $name {
                $name(self.next())
            })*
        }

        $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            pub const PREFIX: &str = $prefix;

            pub const fn to_u128(self) -> u128 {
                self.0
            }

            pub const fn from_u128(bits: u128) -> Self {
                Self(bits)
            }

            /// Writes the text into the buffer.
            fn text(self, buffer: &mut [u8; LONGEST]) -> &str {
                const START: &str = concat!($prefix, "_");
                const { assert!(START.len() + DIGITS <= LONGEST) }
                let (start, rest) = buffer.split_at_mut(START.len());
                start.copy_from_slice(START.as_bytes());
                encode(self.0, &mut rest[..DIGITS]);
                std::str::from_utf8(&buffer[..START.len() + DIGITS]).unwrap_or_default()
            }

            /// When it was made, to the millisecond.
            pub fn made_at(self) -> super::Time {
                super::Time(i64::try_from(self.0 >> 80).unwrap_or(0).saturating_mul(1_000))
            }

            /// Returns the smallest id for this instant. Ids created before it are smaller.
            pub fn first_at(time: super::Time) -> Self {
                Self(uuid_v7(u64::try_from(time.milliseconds()).unwrap_or(0), 0, 0))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.text(&mut [0; LONGEST]))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                text.strip_prefix(concat!($prefix, "_")).and_then(decode).map(Self).ok_or(NotAnId)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.text(&mut [0; LONGEST]))
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(|_| serde::de::Error::custom(concat!("not a ", $prefix, " id")))
            }
        }
    )*};
}

ids! {
    /// An organization, with two environments.
    OrganizationId "org" organization
    /// The public part of an API key.
    ApiKeyId "key" api_key
    /// A customer of an organization.
    CustomerId "cus" customer
    /// A portal session (`sid`).
    PortalSessionId "ps" portal_session
    /// An event or its audit event, which share their id; or a usage event.
    EventId "evt" event
    /// An HTTP request.
    RequestId "req" request
    /// A product, to which plans belong.
    ProductId "prod" product
    PlanId "pln" plan
    FeatureId "feat" feature
    /// A billable metric.
    MetricId "met" metric
    CreditCurrencyId "cur" credit_currency
    CreditPackageId "pkg" credit_package
    SubscriptionId "sub" subscription
    InvoiceId "inv" invoice
    PaymentMethodId "pm" payment_method
    /// An attempt to charge; also the processor's idempotency key.
    PaymentAttemptId "pay" payment_attempt
    /// A wallet.
    CreditAccountId "wal" credit_account
    GrantId "grant" grant
    /// An entry of a wallet's ledger.
    LedgerEntryId "led" ledger_entry
    WebhookEndpointId "we" webhook_endpoint
    /// A delivery of one event to one webhook endpoint.
    WebhookDeliveryId "whd" webhook_delivery
    /// An e-mail to a customer.
    EmailId "eml" email
    /// A request for a code to sign in.
    LoginId "login" login
    /// An entry of a customer's balance.
    BalanceEntryId "bal" balance_entry
    CreditNoteId "cn" credit_note
    /// A refund; also the processor's idempotency key.
    RefundId "re" refund
    CouponId "coup" coupon
    PromotionCodeId "promo" promotion_code
    /// The use of a coupon by a customer.
    CouponRedemptionId "red" coupon_redemption
}

/// Generates ids; cheap to clone.
#[derive(Clone, Debug)]
pub struct Ids {
    clock: Clock,
    random: Random,
    /// The time part of the last id: milliseconds, and a twelve-bit counter within one.
    last: Arc<AtomicU64>,
}

impl Ids {
    pub fn new(clock: Clock, random: Random) -> Self {
        Self { clock, random, last: Arc::new(AtomicU64::new(0)) }
    }

    /// UUIDv7 (RFC 9562, section 6.2, method 1): 48 bits of milliseconds, 12 bits of counter, 62
    /// random bits.
    fn next(&self) -> u128 {
        let now = u64::try_from(self.clock.now().milliseconds()).unwrap_or(0) << 12;
        let advance = |last: u64| now.max(last + 1);
        let last = self
            .last
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(advance(last)));
        let tick = advance(last.unwrap_or_else(|last| last));
        let random = u64::from_be_bytes(self.random.bytes()) >> 2;
        uuid_v7(tick >> 12, tick & 0xfff, random)
    }
}

fn uuid_v7(milliseconds: u64, counter: u64, random: u64) -> u128 {
    (u128::from(milliseconds) << 80)
        | (0x7 << 76)
        | (u128::from(counter) << 64)
        | (0b10 << 62)
        | u128::from(random)
}

fn encode(bits: u128, digits: &mut [u8]) {
    let mut bits = bits;
    // Processes twelve digits at a time: 60 bits fit a register.
    for part in digits.rchunks_mut(12) {
        let mut low = bits as u64;
        for digit in part.iter_mut().rev() {
            *digit = ALPHABET[(low & 31) as usize];
            low >>= 5;
        }
        bits >>= 60;
    }
}

fn decode(digits: &str) -> Option<u128> {
    let digits: &[u8; DIGITS] = digits.as_bytes().try_into().ok()?;
    let mut wrong = digits[0] > b'7';
    let bits = digits.iter().fold(0, |bits, digit| {
        let value = VALUES[usize::from(*digit)];
        wrong |= value == NO_DIGIT;
        (bits << 5) | u128::from(value)
    });
    (!wrong).then_some(bits)
}

const fn values() -> [u8; 256] {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0;
    while value < ALPHABET.len() {
        values[ALPHABET[value] as usize] = value as u8;
        value += 1;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Time;

    #[test]
    fn id_round_trips_through_text() {
        let id: CustomerId = "cus_01kwgt3qt8f689ez1ekre217xw".parse().unwrap();
        assert_eq!(id.to_string(), "cus_01kwgt3qt8f689ez1ekre217xw");
        assert_eq!(CustomerId(u128::MAX).to_string().parse(), Ok(CustomerId(u128::MAX)));
    }

    #[test]
    fn id_parse_refuses_other_prefixes_and_forms() {
        for text in [
            "",
            "cus_",
            "cus_123",
            "ps_01kwgt3qt8f689ez1ekre217xw",
            "cus_01KWGT3QT8F689EZ1EKRE217XW",
            "cus_81kwgt3qt8f689ez1ekre217xw",
            "cus_01kwgt3qt8f689ez1ekre217xu",
            "cus_01kwgt3qt8f689ez1ekre217xwx",
            "cus_é1kwgt3qt8f689ez1ekre217x",
        ] {
            assert_eq!(text.parse::<CustomerId>(), Err(NotAnId), "{text}");
        }
    }

    #[test]
    fn ids_ascend_within_one_millisecond() {
        let ids = Ids::new(Clock::manual(Time::from_seconds(1_700_000_000)), Random::system());
        let made: Vec<_> = (0..5_000).map(|_| ids.event()).collect();
        assert!(made.is_sorted_by(|a, b| a < b));
        assert!(made.is_sorted_by(|a, b| a.to_string() < b.to_string()));
    }
}
