//! Create: a trial or a free plan starts at once, everything else with its first payment.
//!
//! A plan with a price wants a payment method even if there is nothing to pay yet. Until then the
//! subscription is `pending` and grants nothing. It is stored beside the draft and the payment
//! attempt, so that the form can be filled in later and a crash loses nothing.

use crate::audit::Action;
use crate::base::{CollectionMethod, Currency, Overflow, Period, PlanId, Time, Viewer};
use crate::catalog::{self, Plan, PlanStatus};
use crate::coupons::CouponRef;
use crate::customers::{self, Customer, billing};
use crate::db::{DbError, Tx};
use crate::events::EventType;
use crate::flows::prepaid::Prepaid;
use crate::flows::{cancel, discount, lines};
use crate::invoices::{self, InvoiceReason, Line, balance};
use crate::organizations::Tenant;
use crate::settlement::{self, Billed, Effect, SettleOutcome, ToPay};
use crate::subscriptions::{self, Subscription, SubscriptionStatus, calendar, note};
use crate::work::{BillingError, Work};
use crate::{coupons, credits, payments, usage};
use serde_json::json;

/// A requested subscription; its bounds are checked.
#[derive(Clone, Debug)]
pub struct NewSubscription {
    pub customer_no: i64,
    /// The caller whose view of plans applies.
    pub viewer: Viewer,
    pub plan_id: PlanId,
    pub quantity: i64,
    /// Whether a customer who owes an invoice may buy; a backend's choice.
    pub allow_unpaid: bool,
    /// A period that was paid elsewhere, in which it starts; a backend's word.
    pub prepaid: Option<Prepaid>,
    pub coupon: Option<CouponRef>,
    /// A JSON object of strings.
    pub metadata: String,
}

/// The requested subscription as of now, and the lines to be paid before it starts.
#[derive(Clone, Debug)]
pub struct Offer {
    pub subscription: Subscription,
    pub plan: Plan,
    pub lines: Vec<Line>,
    /// The period that the lines pay for.
    pub first: Option<Period>,
    /// Whether its coupon has to be redeemed.
    pub redeems: bool,
}

/// Starts a subscription, or the payment that starts it.
pub async fn create(
    work: &mut Work<'_, '_, '_>,
    new: &NewSubscription,
) -> Result<SettleOutcome, BillingError> {
    let customer = customers::lock_no(work.tx, work.tenant, new.customer_no).await?;
    let customer = customer.ok_or(BillingError::CustomerNotFound)?;
    may_buy(work.tx, work.tenant, customer.no, new.allow_unpaid).await?;
    let mut offer = offer(work, &customer, new).await?;
    if let Some(mut other) = replaceable(work.tx, work.tenant, &offer.subscription).await? {
        if new.prepaid.is_none()
            && let Some(same) = resume(work, &offer, &other).await?
        {
            return Ok(same);
        }
        cancel::give_up(work, &mut other).await?;
    }
    if let Some(held) = offer.subscription.discount.as_ref().filter(|_| offer.redeems) {
        discount::redeem(work, &offer.subscription, held).await?;
    }
    let created = EventType::SubscriptionCreated;
    if new.prepaid.is_none()
        && lacks_payment_method(work, &offer.subscription, &offer.plan).await?
        && !is_chargeable(work, &offer.subscription, &offer.lines).await?
    {
        let subscription = &mut offer.subscription;
        subscription.wait_for_payment_method();
        subscriptions::insert(work.tx, work.tenant, subscription).await?;
        work.announce(customer.id, created, subscription.id).await?;
        let detail = json!({ "planId": offer.plan.id });
        note(work, subscription, Action::SubscriptionAwaitsPaymentMethod, detail).await?;
        return Ok(SettleOutcome::RequiresPaymentMethod { subscription_id: subscription.id });
    }
    subscriptions::insert(work.tx, work.tenant, &offer.subscription).await?;
    work.announce(customer.id, created, offer.subscription.id).await?;
    bill_first(work, offer).await
}

/// Returns the outcome of the pending subscription if the same is asked for again: plan, quantity and
/// coupon.
async fn resume(
    work: &mut Work<'_, '_, '_>,
    offer: &Offer,
    other: &Subscription,
) -> Result<Option<SettleOutcome>, BillingError> {
    let wanted = &offer.subscription;
    let same_coupon = match (&wanted.discount, &other.discount) {
        (None, None) => true,
        (Some(one), Some(other)) => one.is_same(other),
        (Some(_), None) | (None, Some(_)) => false,
    };
    if (other.plan_id, other.quantity) != (wanted.plan_id, wanted.quantity) || !same_coupon {
        return Ok(None);
    }
    if let Some(form) = settlement::open_of_subscription(work.tx, work.tenant, other).await? {
        return Ok(Some(SettleOutcome::Attempt { attempt_id: form.id }));
    }
    let waits = lacks_payment_method(work, other, &offer.plan).await?
        && !is_chargeable(work, other, &offer.lines).await?;
    Ok(waits.then_some(SettleOutcome::RequiresPaymentMethod { subscription_id: other.id }))
}

/// Bills the first period of a stored subscription, and starts it unless it has to be paid first.
async fn bill_first(
    work: &mut Work<'_, '_, '_>,
    offer: Offer,
) -> Result<SettleOutcome, BillingError> {
    let Offer { mut subscription, plan, lines, first, redeems: _ } = offer;
    let (id, customer_no) = (subscription.id, subscription.customer_no);
    // Who starts in a paid period has used the product: a later subscription has no trial either.
    if subscription.status != SubscriptionStatus::Pending {
        let product = plan.product_id;
        subscriptions::note_trial(work.tx, work.tenant, customer_no, product, work.at).await?;
    }
    let invoice = subscription.invoice(InvoiceReason::Create, lines, first);
    let method = payments::default_of(work.tx, work.tenant, customer_no).await?;
    let effect = Effect::StartSubscription { subscription_id: id };
    let billed = settlement::collect(work, customer_no, invoice, method.as_ref(), effect);
    let billed = billed.await?;
    let paid = !matches!(billed, Billed::Nothing);
    let outcome = match billed {
        Billed::Attempt(attempt) => return Ok(SettleOutcome::Attempt { attempt_id: attempt.id }),
        Billed::Nothing => SettleOutcome::CreatedNoCharge { subscription_id: id },
        Billed::Added => SettleOutcome::InvoiceAdded { subscription_id: Some(id) },
        Billed::Issued(invoice) => SettleOutcome::of_issued(&invoice, Some(id)),
    };
    if subscription.status == SubscriptionStatus::Pending {
        begin(&mut subscription, &plan, work.at)?;
        subscriptions::update(work.tx, work.tenant, &subscription).await?;
    }
    start(work, &subscription, &plan, paid).await?;
    Ok(outcome)
}

/// Whether a plan with a price needs a payment method that the customer does not have.
pub async fn lacks_payment_method(
    work: &mut Work<'_, '_, '_>,
    subscription: &Subscription,
    plan: &Plan,
) -> Result<bool, DbError> {
    let charged = subscription.collection_method == CollectionMethod::ChargeAutomatically;
    let customer = subscription.customer_no;
    Ok(charged
        && plan.wants_payment_method()
        && payments::default_of(work.tx, work.tenant, customer).await?.is_none())
}

/// Whether the first invoice is charged at once. A form then asks for the payment method.
async fn is_chargeable(
    work: &mut Work<'_, '_, '_>,
    subscription: &Subscription,
    lines: &[Line],
) -> Result<bool, BillingError> {
    let Subscription { customer_no, currency, collection_method, .. } = *subscription;
    let terms = work.by.terms.processor_of(work.tx, work.tenant, None, currency).await?;
    let minimum = terms.ok_or(BillingError::NoProcessor)?.minimum;
    let amount = invoices::price(work.tx, work.tenant, customer_no, lines).await?.total;
    let to_pay = ToPay { customer_no, currency, collection_method, amount };
    let rest = amount - settlement::part_from_balance(work, &to_pay, None).await?;
    Ok(rest > 0 && rest >= minimum)
}

/// Starts the customer's subscriptions that waited for a payment method, as a purchase would now. One
/// that would be charged for stays pending: the customer has not agreed to that.
pub async fn start_waiting(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
) -> Result<(), BillingError> {
    let customer = customers::by_no(work.tx, work.tenant, customer_no).await?;
    let customer = customer.ok_or(BillingError::CustomerNotFound)?;
    for pending in subscriptions::live_of_customer(work.tx, work.tenant, customer_no).await? {
        let waits = pending.status == SubscriptionStatus::Pending
            && pending.next_due_at().is_some_and(|expiry| work.at < expiry)
            && settlement::open_of_subscription(work.tx, work.tenant, &pending).await?.is_none();
        if !waits {
            continue;
        }
        let new = NewSubscription {
            customer_no,
            viewer: Viewer::Backend,
            plan_id: pending.plan_id,
            quantity: pending.quantity,
            allow_unpaid: false,
            prepaid: None,
            coupon: pending.discount.clone().map(|held| CouponRef::Held(Box::new(held))),
            metadata: pending.metadata.clone(),
        };
        let mut offer = match offer(work, &customer, &new).await {
            Ok(offer) => offer,
            Err(BillingError::Db(error)) => return Err(error.into()),
            // The plan is not sold any more, or not to this customer: it expires.
            Err(_) => continue,
        };
        if is_chargeable(work, &pending, &offer.lines).await? {
            continue;
        }
        (offer.subscription.id, offer.subscription.created_at) = (pending.id, pending.created_at);
        subscriptions::update(work.tx, work.tenant, &offer.subscription).await?;
        bill_first(work, offer).await?;
    }
    Ok(())
}

/// Whether the customer may buy in a currency: in its own, or in any as long as nothing was invoiced
/// above zero, no credits are left and no subscription is in another one. Money in the balance of
/// another currency is used up first.
pub async fn may_pay_in(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    currency: Currency,
) -> Result<bool, DbError> {
    if balance::is_elsewhere(tx, tenant, customer_no, currency).await? {
        return Ok(false);
    }
    let known = billing::get(tx, tenant, customer_no).await?.currency;
    if known.is_none_or(|known| known == currency) {
        return Ok(true);
    }
    let live = subscriptions::live_of_customer(tx, tenant, customer_no).await?;
    let elsewhere = |one: &Subscription| one.status.gives_access() && one.currency != currency;
    if live.iter().any(elsewhere) || invoices::has_billed(tx, tenant, customer_no).await? {
        return Ok(false);
    }
    let balances = credits::balances(tx, tenant, customer_no).await?;
    Ok(balances.iter().all(|(_, balance, _)| *balance == 0))
}

/// Refuses to start or upgrade while the customer owes an overdue or uncollectible invoice.
pub async fn may_buy(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    customer_no: i64,
    allow_unpaid: bool,
) -> Result<(), BillingError> {
    if allow_unpaid {
        return Ok(());
    }
    match invoices::owed(tx, tenant, customer_no).await? {
        None => Ok(()),
        Some(invoice) => Err(BillingError::Owes(invoice)),
    }
}

/// Checks and prices a request. Writes nothing.
pub async fn offer(
    work: &mut Work<'_, '_, '_>,
    customer: &Customer,
    new: &NewSubscription,
) -> Result<Offer, BillingError> {
    if customer.archived_at.is_some() {
        return Err(BillingError::CustomerArchived);
    }
    let plan = catalog::visible_plan(work.tx, work.tenant, new.viewer, new.plan_id).await?;
    let plan = plan.ok_or(BillingError::NotFound)?;
    if plan.status != PlanStatus::Active {
        return Err(BillingError::PlanNotAvailable);
    }
    let profile = billing::get(work.tx, work.tenant, customer.no).await?;
    if !may_pay_in(work.tx, work.tenant, customer.no, plan.currency).await? {
        return Err(BillingError::CurrencyMismatch);
    }
    let mut subscription = Subscription {
        customer_no: customer.no,
        customer_id: customer.id,
        id: work.by.ids.subscription(),
        product_id: plan.product_id,
        plan_id: plan.id,
        quantity: new.quantity,
        status: SubscriptionStatus::Pending,
        billing_interval: plan.billing_interval,
        currency: plan.currency,
        collection_method: profile.collection_method,
        anchor: None,
        current_period: None,
        usage_period: None,
        trial_end: None,
        started_at: None,
        usage_grace_until: None,
        cancel_at_period_end: false,
        attention: None,
        cancel_reason: None,
        canceled_at: None,
        scheduled: None,
        discount: None,
        period_discount: None,
        dunning_failures: 0,
        dunning_since: None,
        dunning_next_at: None,
        metadata: new.metadata.clone(),
        created_at: work.at,
        updated_at: work.at,
    };
    let mut redeems = false;
    if let Some(coupon) = &new.coupon {
        let found = discount::wanted(work, customer.no, coupon, (&plan, new.quantity)).await?;
        redeems = !found.is_held;
        subscription.discount = Some(found.discount);
    }
    if let Some(prepaid) = &new.prepaid {
        prepaid.begin(&mut subscription, &plan, work.at)?;
        return Ok(Offer { subscription, plan, lines: Vec::new(), first: None, redeems });
    }
    let had_trial =
        subscriptions::had_trial(work.tx, work.tenant, customer.no, plan.product_id).await?;
    if plan.trial_days > 0 && !had_trial {
        begin_trial(&mut subscription, &plan, work.at);
        return Ok(Offer { subscription, plan, lines: Vec::new(), first: None, redeems });
    }
    let first = calendar::period_from(work.at, work.at, plan.billing_interval.months());
    let mut lines = lines::recurring(&plan, new.quantity, first, subscription.discount.as_ref())?;
    lines.extend(lines::one_off(work.tx, customer.no, &plan).await?);
    Ok(Offer { subscription, plan, lines, first: Some(first), redeems })
}

/// Returns the customer's pending subscription of the same product, if any. A live one is an error.
pub async fn replaceable(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    new: &Subscription,
) -> Result<Option<Subscription>, BillingError> {
    let live = subscriptions::live_of_customer(tx, tenant, new.customer_no).await?;
    match live.into_iter().find(|live| live.product_id == new.product_id) {
        Some(other) if other.status != SubscriptionStatus::Pending => {
            Err(BillingError::SubscriptionExists)
        }
        other => Ok(other),
    }
}

/// Sets the periods of a subscription that starts now, and returns the first one.
pub fn begin(subscription: &mut Subscription, plan: &Plan, at: Time) -> Result<Period, Overflow> {
    let first = calendar::period_from(at, at, plan.billing_interval.months());
    subscription.status = SubscriptionStatus::Active;
    subscription.anchor = Some(at);
    subscription.started_at = Some(at);
    subscription.current_period = Some(first);
    subscription.usage_period = Some(calendar::period_from(at, at, 1));
    subscription.updated_at = at;
    subscription.begin_priced(plan)?;
    Ok(first)
}

fn begin_trial(subscription: &mut Subscription, plan: &Plan, at: Time) {
    let trial = Period { start: at, end: at.plus_days(plan.trial_days) };
    subscription.status = SubscriptionStatus::Trialing;
    subscription.anchor = Some(trial.end);
    subscription.trial_end = Some(trial.end);
    subscription.started_at = Some(at);
    subscription.current_period = Some(trial);
    subscription.usage_period = Some(trial);
}

/// Grants and records the start of a trial or of the first period; `paid` if it has a price.
pub async fn start(
    work: &mut Work<'_, '_, '_>,
    subscription: &Subscription,
    plan: &Plan,
    paid: bool,
) -> Result<(), BillingError> {
    billing::set_currency(work.tx, work.tenant, subscription.customer_no, plan.currency).await?;
    if let Some(discount) = &subscription.discount {
        coupons::settle(work, discount).await?;
    }
    continue_window(work, subscription).await?;
    credits::subscription_started(work, subscription, plan, paid).await?;
    if subscription.status != SubscriptionStatus::Trialing {
        lines::one_off_billed(work.tx, subscription.customer_no, plan, work.at).await?;
    }
    let detail = json!({ "planId": plan.id, "quantity": subscription.quantity });
    Ok(note(work, subscription, Action::SubscriptionStarted, detail).await?)
}

/// A usage window belongs to the customer and product. A customer who comes back before its end goes
/// on counting where the last subscription stopped, so that leaving renews no allowance. Usage of
/// that subscription which is not billed yet waits for the next invoice.
async fn continue_window(
    work: &mut Work<'_, '_, '_>,
    subscription: &Subscription,
) -> Result<(), BillingError> {
    let (no, product) = (subscription.customer_no, subscription.product_id);
    let ended = subscriptions::ended_in_window(work.tx, work.tenant, no, product, work.at).await?;
    let Some((ended, window)) = ended.zip(subscription.usage_period) else { return Ok(()) };
    if ended.usage_grace_until.is_some() {
        if subscription.status == SubscriptionStatus::Trialing {
            // A trial bills nothing: late events still count in the window that it would move.
            return Ok(());
        }
        let plan = subscriptions::plan(work.tx, work.tenant, ended.plan_id).await?;
        let end = ended.canceled_at.unwrap_or(work.at);
        lines::close_segment(&mut work.as_of(end), &ended, &plan).await?;
    }
    Ok(usage::window_continued(work.tx, &ended, subscription, window).await?)
}
