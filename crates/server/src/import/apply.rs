//! Moves one customer with its cards and subscriptions, in one transaction: all of it or nothing.

use super::code::Code;
use super::customer::{Methods, Read};
use super::map::Map;
use super::report::{CustomerLine, Outcome, StillActive, SubscriptionLine};
use super::subscription::Theirs;
use crate::base::{CollectionMethod, Viewer};
use crate::customers::{self, Customer, CustomerError, CustomerRef, billing};
use crate::db::DbError;
use crate::flows::{self, NewSubscription, Prepaid, lines};
use crate::payments::stripe::NAME;
use crate::settlement::SettleOutcome;
use crate::subscriptions::{self, Subscription, calendar};
use crate::test_clock::Advancing;
use crate::work::{BillingError, Work};
use crate::{catalog, invoices, payments};
use serde_json::{Value, json};
use std::sync::Arc;

/// The metadata by which a subscription names the one that it replaces.
const MOVED_FROM: &str = "stripe_subscription";

/// A Stripe customer with everything that moves.
#[derive(Clone, Debug)]
pub struct Source {
    pub id: String,
    pub read: Result<Read, Code>,
    pub methods: Methods,
    pub subscriptions: Vec<Theirs>,
    pub map: Arc<Map>,
    pub dry_run: bool,
}

/// The lines of a customer.
#[derive(Clone, Debug)]
pub struct Moved {
    pub customer: CustomerLine,
    pub subscriptions: Vec<SubscriptionLine>,
}

/// The reason that nothing was written.
#[derive(Debug)]
pub enum Stop {
    Billing(BillingError),
    /// A dry run rolls back what it has done.
    DryRun(Box<Moved>),
}

impl Source {
    /// Moves the customer. Objects of an earlier run stay as they are.
    pub async fn apply(&self, work: &mut Work<'_, '_, '_>) -> Result<Moved, Stop> {
        let found = self.customer(work).await?;
        let (holder, result, mut codes) = match found {
            Ok((holder, result)) => (Some(holder), result, self.notes(result)),
            Err(code) => (None, Outcome::Refused, vec![code]),
        };
        if self.methods.has_others() && result != Outcome::Known {
            codes.push(Code::MethodNotCard);
        }
        if let Some(holder) = &holder {
            self.keep_cards(work, holder).await?;
        }
        let mut subscriptions = Vec::new();
        for theirs in &self.subscriptions {
            subscriptions.push(self.subscription(work, holder.as_ref(), theirs).await?);
        }
        let customer_id = holder.map(|holder| holder.id);
        let stripe_customer = self.id.clone();
        let customer = CustomerLine { stripe_customer, customer_id, result, codes };
        let mut moved = Moved { customer, subscriptions };
        if !self.dry_run {
            return Ok(moved);
        }
        moved.forget_ids();
        Err(Stop::DryRun(Box::new(moved)))
    }

    fn notes(&self, result: Outcome) -> Vec<Code> {
        match (result, &self.read) {
            (Outcome::Imported, Ok(read)) => read.notes.clone(),
            (_, _) => Vec::new(),
        }
    }

    /// Finds the customer by its Stripe id, then by its external id, and creates it otherwise.
    async fn customer(
        &self,
        work: &mut Work<'_, '_, '_>,
    ) -> Result<Result<(Customer, Outcome), Code>, Stop> {
        let (tenant, author) = (work.tenant, work.by.author());
        if let Some(known) = payments::lock_holder(work, NAME, &self.id).await? {
            return Ok(if known.archived_at.is_some() {
                Err(Code::CustomerArchived)
            } else {
                Ok((known, Outcome::Known))
            });
        }
        let read = match &self.read {
            Ok(read) => read,
            Err(code) => return Ok(Err(*code)),
        };
        let reference = read.new.external_id.clone().map(CustomerRef::External);
        let known = match &reference {
            Some(reference) => customers::lock(work.tx, tenant, reference).await?,
            None => None,
        };
        let (customer, result) = match known {
            Some(known) if known.archived_at.is_some() => return Ok(Err(Code::CustomerArchived)),
            Some(known) => {
                if payments::reference(work.tx, tenant, known.no, NAME).await?.is_some() {
                    return Ok(Err(Code::ExternalIdTaken));
                }
                (known, Outcome::Linked)
            }
            None => match customers::create(work.tx, tenant, &read.new, &author).await {
                Ok(made) => (made, Outcome::Imported),
                Err(CustomerError::Db(error)) => return Err(error.into()),
                Err(CustomerError::ExternalIdTaken | CustomerError::Erased) => {
                    return Ok(Err(Code::ExternalIdTaken));
                }
            },
        };
        payments::keep_reference(work.tx, tenant, customer.no, NAME, &self.id).await?;
        Ok(Ok((customer, result)))
    }

    /// Keeps the cards; the one that Stripe charges goes first, because a customer's first becomes the
    /// default: the customer's own, or that of a subscription if there is none.
    async fn keep_cards(
        &self,
        work: &mut Work<'_, '_, '_>,
        holder: &Customer,
    ) -> Result<(), DbError> {
        let moving = self.subscriptions.iter().find(|theirs| theirs.codes.is_empty());
        let named = moving.and_then(|theirs| theirs.method.as_deref());
        let charged = self.methods.charged(None).or_else(|_| self.methods.charged(named));
        let first = charged.ok().map(|card| &card.reference);
        let mut cards: Vec<_> = self.methods.cards.iter().collect();
        cards.sort_by_key(|card| Some(&card.reference) != first);
        for card in cards {
            payments::add(work, holder.no, NAME, card, false).await?;
        }
        Ok(())
    }

    async fn subscription(
        &self,
        work: &mut Work<'_, '_, '_>,
        holder: Option<&Customer>,
        theirs: &Theirs,
    ) -> Result<SubscriptionLine, Stop> {
        let mut line = theirs.line(Outcome::Refused, theirs.codes.clone());
        line.plan_id = self.map.plan(&theirs.price);
        let Some(holder) = holder else {
            line.codes.push(Code::CustomerNotMoved);
            return Ok(line);
        };
        if let Some(ours) = moved_before(work, holder.no, &theirs.id).await? {
            return theirs.known(work, &ours).await;
        }
        if !line.codes.is_empty() {
            line.codes.extend(line.plan_id.is_none().then_some(Code::PriceNotMapped));
            return Ok(line);
        }
        if let Err(code) = self.check(work, holder, theirs, &mut line).await? {
            line.codes.push(code);
            return Ok(line);
        }
        let Some(plan_id) = line.plan_id else { return Ok(line) };
        let new = NewSubscription {
            customer_no: holder.no,
            viewer: Viewer::Backend,
            plan_id,
            quantity: theirs.quantity,
            allow_unpaid: true,
            prepaid: Some(Prepaid {
                until: theirs.until,
                anchor: Some(theirs.anchor),
                started_at: Some(theirs.started_at.min(work.at)),
            }),
            coupon: None,
            metadata: json!({ MOVED_FROM: theirs.id }).to_string(),
        };
        match flows::create(work, &new).await {
            Ok(SettleOutcome::CreatedNoCharge { subscription_id }) => {
                line.subscription_id = Some(subscription_id);
                line.result = Outcome::Imported;
                line.both_active = theirs.renews;
            }
            // Nothing may be charged: all of the customer is rolled back.
            Ok(_) => return Err(DbError::Broken("a prepaid start would be charged").into()),
            Err(error) => line.codes.push(code_of(error)?),
        }
        Ok(line)
    }

    /// Checks that the subscription goes on here as it would there, and notes its price here.
    async fn check(
        &self,
        work: &mut Work<'_, '_, '_>,
        holder: &Customer,
        theirs: &Theirs,
        line: &mut SubscriptionLine,
    ) -> Result<Result<(), Code>, Stop> {
        let (tenant, no) = (work.tenant, holder.no);
        if let Some(late) = theirs.too_late(work.at) {
            return Ok(Err(late));
        }
        let Some(plan_id) = line.plan_id else { return Ok(Err(Code::PriceNotMapped)) };
        let Some(plan) = catalog::plan(work.tx, tenant, plan_id).await? else {
            return Ok(Err(Code::PlanNotAvailable));
        };
        if theirs.currency.is_some_and(|currency| currency != plan.currency) {
            return Ok(Err(Code::PlanCurrencyDiffers));
        }
        if theirs.interval.is_some_and(|interval| interval != plan.billing_interval) {
            return Ok(Err(Code::PlanIntervalDiffers));
        }
        let months = plan.billing_interval.months();
        let next = calendar::period_from(theirs.anchor, theirs.until, months);
        let due = lines::recurring(&plan, theirs.quantity, next, None).map_err(BillingError::from);
        let priced = match due {
            Ok(due) => invoices::price(work.tx, tenant, no, &due).await,
            Err(error) => Err(error),
        };
        match priced {
            Ok(totals) => line.amount = Some(totals.total),
            Err(error) => return Ok(Err(code_of(error)?)),
        }
        if line.amount != theirs.amount && !self.map.accept_other_amounts {
            return Ok(Err(Code::AmountDiffers));
        }
        let profile = billing::get(work.tx, tenant, no).await?;
        if profile.collection_method != CollectionMethod::ChargeAutomatically {
            return Ok(Err(Code::SendInvoice));
        }
        if theirs.amount == Some(0) {
            return Ok(Ok(()));
        }
        let card = match self.methods.charged(theirs.method.as_deref()) {
            Ok(card) => card,
            Err(code) => return Ok(Err(code)),
        };
        let default = payments::default_of(work.tx, tenant, no).await?;
        Ok(match default.is_some_and(|default| default.card.reference == card.reference) {
            true => Ok(()),
            false => Err(Code::OtherMethod),
        })
    }
}

/// The subscription that replaced one of Stripe's.
pub async fn moved_before(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
    id: &str,
) -> Result<Option<Subscription>, DbError> {
    let all = subscriptions::all_of_customer(work.tx, work.tenant, customer_no).await?;
    Ok(all.into_iter().find(|ours| {
        let metadata: Value = serde_json::from_str(&ours.metadata).unwrap_or_default();
        metadata[MOVED_FROM] == id
    }))
}

impl Theirs {
    pub fn line(&self, result: Outcome, codes: Vec<Code>) -> SubscriptionLine {
        SubscriptionLine {
            stripe_subscription: self.id.clone(),
            stripe_customer: self.customer.clone(),
            subscription_id: None,
            plan_id: None,
            result,
            codes,
            next_billing_at: self.until,
            currency: self.currency,
            stripe_amount: self.amount,
            amount: None,
            both_active: false,
        }
    }

    /// The line of a subscription that was moved before.
    async fn known(
        &self,
        work: &mut Work<'_, '_, '_>,
        ours: &Subscription,
    ) -> Result<SubscriptionLine, Stop> {
        let mut line = self.line(Outcome::Known, Vec::new());
        line.subscription_id = Some(ours.id);
        line.plan_id = Some(ours.plan_id);
        line.both_active = self.renews;
        if !ours.status.gives_access() {
            line.codes.push(Code::EndedHere);
            return Ok(line);
        }
        let (tx, tenant) = (&mut *work.tx, work.tenant);
        let plan = subscriptions::plan(tx, tenant, ours.plan_id).await?;
        let (anchor, end) = (ours.anchor.unwrap_or(self.anchor), ours.current_period);
        let start = end.map_or(self.until, |period| period.end);
        let next = calendar::period_from(anchor, start, plan.billing_interval.months());
        let due = lines::recurring(&plan, ours.quantity, next, ours.discount.as_ref())
            .map_err(BillingError::from)?;
        line.amount = Some(invoices::price(tx, tenant, ours.customer_no, &due).await?.total);
        Ok(line)
    }
}

impl Moved {
    /// Removes the ids that a dry run rolls back.
    fn forget_ids(&mut self) {
        if self.customer.result == Outcome::Imported {
            self.customer.customer_id = None;
        }
        for line in &mut self.subscriptions {
            if line.result == Outcome::Imported {
                line.subscription_id = None;
            }
        }
    }

    /// The subscriptions that both sides would charge.
    pub fn both_active(&self) -> impl Iterator<Item = StillActive> {
        let both = self.subscriptions.iter().filter(|line| line.both_active);
        both.filter_map(|line| {
            Some(StillActive {
                stripe_subscription: line.stripe_subscription.clone(),
                subscription_id: line.subscription_id?,
                until: line.next_billing_at,
            })
        })
    }
}

/// The code of a refusal; anything else stops the import.
fn code_of(error: BillingError) -> Result<Code, Stop> {
    use BillingError as E;
    let codes = [
        (matches!(error, E::SubscriptionExists | E::InProgress), Code::SubscriptionExists),
        (matches!(error, E::PlanNotAvailable | E::NotFound), Code::PlanNotAvailable),
        (matches!(error, E::CurrencyMismatch), Code::CurrencyMismatch),
        (matches!(error, E::OutOfRange), Code::AmountOutOfRange),
        (matches!(error, E::Prepaid { .. }), Code::AnchorDiffers),
    ];
    let code = codes.into_iter().find_map(|(is_it, code)| is_it.then_some(code));
    code.ok_or(Stop::Billing(error))
}

impl From<BillingError> for Stop {
    fn from(error: BillingError) -> Self {
        Self::Billing(error)
    }
}

impl From<DbError> for Stop {
    fn from(error: DbError) -> Self {
        Self::Billing(error.into())
    }
}

impl From<Advancing> for Stop {
    fn from(error: Advancing) -> Self {
        Self::Billing(error.into())
    }
}
