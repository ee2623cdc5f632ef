//! HTTP handlers of the flows: requests that move money, with one kind of response.

pub mod answer;
pub mod balance;
pub mod credit_notes;
pub mod discounts;
pub mod invoices;
pub mod invoicing;
pub mod subscriptions;
pub mod top_ups;

use crate::http::problem::Price;
use crate::http::{Code, Problem};
use crate::idempotency::KeyReused;
use crate::payments::DeclineReason;
use crate::test_clock::Advancing;
use crate::work::{BillingError, NotApplicable};

impl From<BillingError> for Problem {
    fn from(error: BillingError) -> Self {
        let (code, detail) = match error {
            BillingError::Db(error) => return error.into(),
            BillingError::KeyReused => return KeyReused.into(),
            BillingError::Advancing => return Advancing.into(),
            BillingError::NotFound => return Self::not_found(),
            BillingError::CustomerNotFound => return Self::customer_not_found(),
            BillingError::CustomerArchived => return Self::customer_archived(),
            BillingError::OtherProduct => {
                let message = "must be a plan of the subscription's product";
                return Self::invalid_param("planId", message);
            }
            BillingError::ProrationDate => {
                let message = "must be the prorationDate of a preview from the last 10 minutes; \
                     the subscription must not have changed since";
                return Self::invalid_param("prorationDate", message);
            }
            BillingError::Prepaid { param, message } => {
                return Self::invalid_param(param, message);
            }
            BillingError::NoCurrency => {
                return Self::invalid_param("creditCurrencyId", "is not a credit currency");
            }
            BillingError::NoPackage => {
                let message = "is not a package of this credit currency that can be bought";
                return Self::invalid_param("packageId", message);
            }
            BillingError::PriceChanged { amount, currency } => {
                let detail = "The price has changed since it was shown.";
                let price = serde_json::json!(Price { amount, currency });
                return Self::new(Code::PriceChanged, detail).with("price", price);
            }
            BillingError::EndsBeforeNow => {
                return Self::invalid_param("expiresAt", "must be in the future");
            }
            BillingError::CurrencyMismatch => {
                (Code::CurrencyMismatch, "The customer pays in another currency.")
            }
            BillingError::OutOfRange => (Code::AmountOutOfRange, "An amount is out of range."),
            BillingError::PlanNotAvailable => {
                (Code::PlanNotAvailable, "The plan cannot be chosen.")
            }
            BillingError::SubscriptionExists => (
                Code::SubscriptionExists,
                "The customer already has a subscription of this product.",
            ),
            BillingError::NotActive => {
                (Code::SubscriptionNotActive, "The subscription is canceled.")
            }
            BillingError::Owes(invoice) => {
                let detail = "The customer owes an invoice that has to be paid first.";
                return Self::new(Code::InvoiceUnpaid, detail)
                    .with("invoiceId", invoice.to_string());
            }
            BillingError::Unpaid => {
                (Code::InvoiceUnpaid, "An invoice of this subscription must be paid first.")
            }
            BillingError::SellerIncomplete => {
                let detail = "Set the seller's legal name and address in the branding first.";
                (Code::SellerIncomplete, detail)
            }
            BillingError::NotPayable => {
                (Code::InvoiceNotPayable, "This invoice has no amount due.")
            }
            BillingError::InProgress => {
                (Code::PaymentInProgress, "A payment of this invoice is in progress.")
            }
            BillingError::NoPaymentMethod => {
                let reason = DeclineReason::PaymentMethodRequired;
                return Self::new(Code::PaymentDeclined, "The plan needs a payment method.")
                    .with("declineReason", reason.as_str());
            }
            BillingError::NoProcessor => {
                (Code::Conflict, "This environment has no payment processor.")
            }
            BillingError::BelowMinimum => {
                (Code::AmountOutOfRange, "The amount due is below the processor's minimum.")
            }
            BillingError::BalanceTooLow => {
                (Code::AmountOutOfRange, "The customer's balance is lower than this amount.")
            }
            BillingError::CurrencyRequired => {
                let message = "is required: the customer has not bought anything yet";
                return Self::invalid_param("currency", message);
            }
            BillingError::NotCreditable => {
                (Code::Conflict, "A draft and a void invoice cannot be credited.")
            }
            BillingError::NotVoidable => {
                let detail = "The credit note is void, or something of it went out already.";
                (Code::Conflict, detail)
            }
            BillingError::CreditTooHigh { rest } => {
                let detail = format!("At most {rest} of this can still be credited.");
                return Self::new(Code::AmountOutOfRange, detail);
            }
            BillingError::RefundTooHigh { rest } => {
                let detail = format!("At most {rest} can still be refunded to cards.");
                return Self::new(Code::AmountOutOfRange, detail);
            }
            BillingError::NothingToCredit => {
                (Code::AmountOutOfRange, "The credit note would credit nothing.")
            }
            BillingError::NoSuchLine(item) => {
                let message = format!("has no item {item}: the invoice has fewer");
                return Self::invalid_param("lines", message);
            }
            BillingError::PartsDoNotAddUp { rest } => {
                let message = "refundAmount, creditAmount and outOfBandAmount must add up to";
                return Self::invalid_param("refundAmount", format!("{message} {rest}"));
            }
            BillingError::NoCoupon => {
                return Self::invalid_param("couponId", "is not a coupon");
            }
            BillingError::PromotionCodeInvalid => {
                (Code::PromotionCodeInvalid, "This promotion code is not valid.")
            }
            BillingError::CouponNotApplicable(why) => {
                return Self::new(Code::CouponNotApplicable, not_applicable(why))
                    .with("reason", why.as_str());
            }
            BillingError::Frozen => (Code::WalletFrozen, "The wallet is frozen."),
            BillingError::PackageRequired => {
                (Code::PackageRequired, "Credits of this currency are sold in packages only.")
            }
            BillingError::NotUndoable => {
                (Code::Conflict, "The entry was already reversed, or nothing of it is left.")
            }
        };
        Self::new(code, detail)
    }
}

const fn not_applicable(why: NotApplicable) -> &'static str {
    match why {
        NotApplicable::Plan => "The coupon is not for this plan.",
        NotApplicable::Currency => "The coupon is in another currency than the plan.",
        NotApplicable::Redeemed => "The customer has redeemed this coupon before.",
        NotApplicable::FirstTimeOnly => {
            "The promotion code is for customers who have not bought anything yet."
        }
        NotApplicable::Ended => "The coupon cannot be redeemed at this time.",
        NotApplicable::UsedUp => "The coupon was redeemed as often as it may be.",
    }
}
