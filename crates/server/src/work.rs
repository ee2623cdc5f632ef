//! The context of a billing write: actor, time and ids.

use crate::audit::{self, Action, Actor, Author};
use crate::base::words::words;
use crate::base::{AfterLostDispute, Currency, CustomerId, Ids, InvoiceId, Overflow, Time};
use crate::db::{DbError, Tx};
use crate::events::{self, EventType};
use crate::idempotency::KeyReused;
use crate::organizations::Tenant;
use crate::test_clock::Advancing;
use futures_util::future::BoxFuture;
use std::fmt::Debug;
use std::sync::Arc;

/// The actor of a billing write and its tools. `now` is real time; billing time is passed
/// separately.
#[derive(Clone, Debug)]
pub struct By {
    pub actor: Actor,
    pub now: Time,
    pub ids: Ids,
    pub terms: Arc<dyn ChargeTerms>,
    /// The time for which an ended subscription accepts late events.
    pub usage_grace_seconds: i64,
    /// The default of organizations without a setting of their own.
    pub after_lost_dispute: AfterLostDispute,
}

impl By {
    /// Returns the author of this write's audit events.
    pub fn author(&self) -> Author {
        Author { actor: self.actor, ids: self.ids.clone(), now: self.now }
    }
}

/// The terms of the payment processors that a rule needs before it starts a charge.
pub trait ChargeTerms: Debug + Send + Sync {
    /// The tenant's processor of this name or, without a name, the one that its new charges go to;
    /// `None` if the tenant has none.
    fn processor_of<'a>(
        &'a self,
        tx: &'a mut Tx<'_, '_>,
        tenant: &'a Tenant,
        name: Option<&'a str>,
        currency: Currency,
    ) -> BoxFuture<'a, Result<Option<ProcessorTerms>, DbError>>;
}

/// The processor that charges a tenant's customers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessorTerms {
    pub name: &'static str,
    /// The minimum charge, in minor units.
    pub minimum: i64,
}

/// A rule's transaction: the tenant that it is for, billing's now, and who acts. Billing's now is
/// fixed when the work begins; an item that is due has its own.
pub struct Work<'w, 'a, 'p> {
    pub tx: &'w mut Tx<'a, 'p>,
    pub tenant: &'w Tenant,
    pub at: Time,
    pub by: &'w By,
}

/// An instant of billing time, and the source of ids for what is created then.
#[derive(Clone, Copy, Debug)]
pub struct Stamp<'a> {
    pub at: Time,
    pub ids: &'a Ids,
}

impl Stamp<'_> {
    pub const fn as_of(self, at: Time) -> Self {
        Self { at, ..self }
    }
}

impl<'w, 'a, 'p> Work<'w, 'a, 'p> {
    pub const fn stamp(&self) -> Stamp<'w> {
        Stamp { at: self.at, ids: &self.by.ids }
    }

    /// The same work at another instant of billing time.
    pub const fn as_of(&mut self, at: Time) -> Work<'_, 'a, 'p> {
        Work { tx: self.tx, tenant: self.tenant, at, by: self.by }
    }

    /// Records in the transaction what is done to an object of a customer.
    pub async fn note(
        &mut self,
        customer: CustomerId,
        action: Action,
        target: impl ToString,
        detail: serde_json::Value,
    ) -> Result<(), DbError> {
        let event = self.by.author().event(action, target, Some(customer), detail);
        audit::record(self.tx, self.tenant.no, &event).await
    }

    /// Records an event that no audit event has: the consequence of a change that is audited.
    pub async fn announce(
        &mut self,
        customer: CustomerId,
        event_type: EventType,
        object: impl ToString,
    ) -> Result<(), DbError> {
        let event = events::NewEvent {
            id: self.by.ids.event(),
            event_type,
            object_id: object.to_string(),
            customer_id: Some(customer),
            endpoint_id: None,
            at: self.by.now,
        };
        events::record(self.tx, self.tenant.no, &event).await
    }
}

/// The reason that billing refuses a request, or fails.
#[derive(Debug)]
pub enum BillingError {
    Db(DbError),
    /// The idempotency key was used with another request.
    KeyReused,
    /// The test clock is advancing.
    Advancing,
    /// The object does not exist, or belongs to another customer.
    NotFound,
    CustomerNotFound,
    CustomerArchived,
    /// The customer pays in another currency.
    CurrencyMismatch,
    /// An amount, or a result computed from it, is out of range.
    OutOfRange,
    /// The plan is a draft or archived.
    PlanNotAvailable,
    /// The plan belongs to another product.
    OtherProduct,
    /// The customer already has a live subscription of this product.
    SubscriptionExists,
    /// The subscription is canceled.
    NotActive,
    /// The subscription is pending or past due.
    Unpaid,
    /// The customer owes this invoice, which is overdue or uncollectible.
    Owes(InvoiceId),
    /// The proration date is older than ten minutes or than the last change, in the future, or in
    /// another period.
    ProrationDate,
    /// A period that was paid elsewhere does not fit the plan or the time.
    Prepaid {
        param: &'static str,
        message: &'static str,
    },
    /// A live invoice requires the seller's legal name and address.
    SellerIncomplete,
    /// The invoice is a draft, void or paid.
    NotPayable,
    /// An attempt on the invoice may have been charged.
    InProgress,
    /// The customer has no payment method, and the plan needs one.
    NoPaymentMethod,
    /// The tenant has no payment processor.
    NoProcessor,
    /// The amount due is below the processor's minimum.
    BelowMinimum,
    /// The wallet is frozen.
    Frozen,
    /// There is no such credit currency.
    NoCurrency,
    /// There is no such package in this credit currency.
    NoPackage,
    /// Credits of this currency have no monetary value and are sold in packages only.
    PackageRequired,
    /// A purchase costs another amount than the caller expects.
    PriceChanged {
        amount: i64,
        currency: Currency,
    },
    /// The grant would expire before it begins.
    EndsBeforeNow,
    /// The customer's balance is lower than the amount to take from it.
    BalanceTooLow,
    /// The customer has no currency yet, and the request names none.
    CurrencyRequired,
    /// The invoice is a draft or void.
    NotCreditable,
    /// A credit note would credit more than this rest, tax included or of a line.
    CreditTooHigh {
        rest: i64,
    },
    /// A credit note would credit nothing.
    NothingToCredit,
    /// The invoice has no line at this place.
    NoSuchLine(usize),
    /// The parts of a credit note are not this amount together.
    PartsDoNotAddUp {
        rest: i64,
    },
    /// A refund would be more than this rest of the invoice's charges.
    RefundTooHigh {
        rest: i64,
    },
    /// Something of the credit note went out, or it is void.
    NotVoidable,
    /// There is no such coupon.
    NoCoupon,
    /// The promotion code is unknown, inactive, over or used up.
    PromotionCodeInvalid,
    /// The coupon exists, but does not lower this price for this customer.
    CouponNotApplicable(NotApplicable),
    /// The ledger entry was already reversed, or nothing of it is left.
    NotUndoable,
}

words! {
    /// Why a coupon does not lower a price.
    NotApplicable as CouponNotApplicableReason {
        /// It is for other plans, or the plan has no price in advance.
        Plan = "plan",
        /// It takes off an amount in another currency.
        Currency = "currency",
        /// The customer has redeemed it before.
        Redeemed = "redeemed",
        /// It is for customers who have not bought anything yet.
        FirstTimeOnly = "first_time_only",
        /// It is archived, or today is not between its dates.
        Ended = "ended",
        /// It was redeemed as often as it may be.
        UsedUp = "used_up",
    }
}

impl From<DbError> for BillingError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<Overflow> for BillingError {
    fn from(_: Overflow) -> Self {
        Self::OutOfRange
    }
}

impl From<KeyReused> for BillingError {
    fn from(_: KeyReused) -> Self {
        Self::KeyReused
    }
}

impl From<Advancing> for BillingError {
    fn from(_: Advancing) -> Self {
        Self::Advancing
    }
}
