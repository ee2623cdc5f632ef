//! The lines of invoices: a plan's charges for a period, and the price of a change within one.

use crate::base::{Decimal, LineDiscount, Overflow, Period, TaxRate, Time};
use crate::catalog::{self, Charge, Plan, Tier};
use crate::coupons::Discount;
use crate::db::{DbError, Tx};
use crate::invoices::{self, InvoiceTier, Line, LineCode, LineKind, LineLabel, UsageParts};
use crate::organizations::Tenant;
use crate::subscriptions::{self, Subscription, SubscriptionStatus, proration, rating};
use crate::usage;
use crate::work::{BillingError, Work};
use unitpay_billing::Price;
use unitpay_billing::discount::split;

/// Returns the charges of the next period of a subscription on this plan, in advance. Its discount is
/// split over them.
pub fn recurring(
    plan: &Plan,
    quantity: i64,
    period: Period,
    discount: Option<&Discount>,
) -> Result<Vec<Line>, Overflow> {
    let mut lines = undiscounted(plan, quantity, period)?;
    let price = rating::recurring_total(plan, quantity)?;
    let lowered = discount.map(|discount| discount.on_next(plan, price)).transpose()?.flatten();
    let Some(lowered) = lowered else { return Ok(lines) };
    let amounts: Vec<i64> = lines.iter().map(|line| line.amount).collect();
    for (line, amount) in lines.iter_mut().zip(split(lowered.amount, &amounts)) {
        line.amount -= amount;
        line.discount = (amount > 0).then(|| LineDiscount { amount, ..lowered.clone() });
    }
    Ok(lines)
}

fn undiscounted(plan: &Plan, quantity: i64, period: Period) -> Result<Vec<Line>, Overflow> {
    let line = |charge: &Charge| match charge {
        Charge::Recurring { amount, per_unit } => Some((*amount, *per_unit)),
        Charge::Usage { .. } | Charge::OneOff { .. } => None,
    };
    plan.charges
        .iter()
        .filter_map(line)
        .map(|(amount, per_unit)| {
            let quantity = if per_unit { quantity } else { 1 };
            let label = LineLabel::new(LineCode::Plan, &plan.name);
            Ok(Line {
                description: label.description(),
                label: Some(label),
                kind: LineKind::Recurring,
                quantity: Decimal::from_integer(quantity),
                unit_amount: Some(Decimal::from_integer(amount)),
                usage: None,
                tax: None,
                amount: rating::times(amount, per_unit, quantity)?,
                discount: None,
                period: Some(period),
            })
        })
        .collect()
}

/// Returns the plan's one-off charges, which the customer's first paid period on the plan bills: once
/// for a customer and plan, ever.
pub async fn one_off(
    tx: &mut Tx<'_, '_>,
    customer_no: i64,
    plan: &Plan,
) -> Result<Vec<Line>, DbError> {
    let lines = one_off_lines(plan);
    if lines.is_empty() || subscriptions::had_one_off(tx, customer_no, plan.id).await? {
        return Ok(Vec::new());
    }
    Ok(lines)
}

/// Records that a paid period on the plan has begun.
pub async fn one_off_billed(
    tx: &mut Tx<'_, '_>,
    customer_no: i64,
    plan: &Plan,
    at: Time,
) -> Result<(), DbError> {
    if one_off_lines(plan).is_empty() {
        return Ok(());
    }
    subscriptions::note_one_off(tx, customer_no, plan.id, at).await
}

fn one_off_lines(plan: &Plan) -> Vec<Line> {
    let amount = |charge: &Charge| match charge {
        Charge::OneOff { amount } => Some(*amount),
        Charge::Recurring { .. } | Charge::Usage { .. } => None,
    };
    let label = LineLabel::new(LineCode::OneOff, &plan.name);
    plan.charges
        .iter()
        .filter_map(amount)
        .map(|amount| Line {
            description: label.description(),
            label: Some(label.clone()),
            kind: LineKind::OneOff,
            quantity: Decimal::from_integer(1),
            unit_amount: Some(Decimal::from_integer(amount)),
            usage: None,
            tax: None,
            amount,
            discount: None,
            period: None,
        })
        .collect()
}

/// Returns the charge for the rest of a period, whose price has this discount.
pub fn remaining(
    plan: &Plan,
    quantity: i64,
    (period, at): (Period, Time),
    discount: Option<&LineDiscount>,
) -> Result<Line, Overflow> {
    let price = rating::recurring_total(plan, quantity)?;
    let (amount, discount) = rest(price, discount, period, at)?;
    let period = Period { start: at, end: period.end };
    let line = proration_line(LineCode::RemainingTime, plan, (quantity, amount), period);
    Ok(Line { discount, ..line })
}

/// Returns the unused part of what a period costs after its discount, and the discount's part of the
/// unused price.
fn rest(
    price: i64,
    discount: Option<&LineDiscount>,
    period: Period,
    at: Time,
) -> Result<(i64, Option<LineDiscount>), Overflow> {
    let lowered = discount.map_or(0, |discount| discount.amount);
    let amount = proration::unused(price - lowered, period, at)?;
    let off = proration::unused(price, period, at)? - amount;
    let part = |discount: &LineDiscount| LineDiscount { amount: off, ..discount.clone() };
    Ok((amount, discount.filter(|_| off != 0).map(part)))
}

/// Returns the credit for the unused part of what the current period costs, after its discount: never
/// more than was charged. It is taxed as the period was charged.
pub async fn unused(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: &Subscription,
    plan: &Plan,
    at: Time,
) -> Result<Line, BillingError> {
    let period = subscription.current_period.ok_or(BillingError::NotActive)?;
    let price = rating::recurring_total(plan, subscription.quantity)?;
    let (amount, discount) = rest(price, subscription.period_discount.as_ref(), period, at)?;
    let amount = -amount;
    let discount = discount.map(|part| LineDiscount { amount: -part.amount, ..part });
    let rest = Period { start: at, end: period.end };
    let tax = tax_as_charged(tx, tenant, subscription, period).await?;
    let code = LineCode::UnusedTime;
    let line = proration_line(code, plan, (subscription.quantity, amount), rest);
    Ok(Line { tax, discount, ..line })
}

/// Returns what the old plan costs between the quote of a new period and its payment by form, which
/// begins the period: the form credits this time. Taxed like the credit.
pub async fn used_since_quote(
    work: &mut Work<'_, '_, '_>,
    subscription: &Subscription,
    plan: &Plan,
    quoted_at: Time,
) -> Result<Line, BillingError> {
    let (tx, tenant, at) = (&mut *work.tx, work.tenant, work.at);
    let credited = unused(tx, tenant, subscription, plan, quoted_at).await?;
    let rest = unused(tx, tenant, subscription, plan, at).await?;
    let amount = rest.amount - credited.amount;
    let period = Some(Period { start: quoted_at, end: at });
    let description = format!("Used time, {}", plan.name);
    // The price is not shown: this line is the difference of two others.
    Ok(Line { description, label: None, amount, discount: None, period, ..credited })
}

fn proration_line(
    code: LineCode,
    plan: &Plan,
    (quantity, amount): (i64, i64),
    period: Period,
) -> Line {
    let label = LineLabel::new(code, &plan.name);
    Line {
        description: label.description(),
        label: Some(label),
        kind: LineKind::Proration,
        quantity: Decimal::from_integer(quantity),
        unit_amount: None,
        usage: None,
        tax: None,
        amount,
        discount: None,
        period: Some(period),
    }
}

/// Returns the rate that the current period was last charged with, if it is not today's.
async fn tax_as_charged(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: &Subscription,
    period: Period,
) -> Result<Option<Option<TaxRate>>, DbError> {
    let (customer, id) = (subscription.customer_no, subscription.id);
    let charged = |line: &&Line| match line.kind {
        LineKind::Recurring | LineKind::Proration => line.amount > 0,
        LineKind::Usage | LineKind::OneOff | LineKind::TopUp | LineKind::Addition => false,
    };
    for invoice in invoices::of_period(tx, tenant, customer, id, period.end).await? {
        if let Some(line) = invoice.lines.read()?.iter().find(charged) {
            let then = line.rate(invoice.totals.tax.as_ref()).cloned();
            let now = invoices::tax_rate(tx, tenant, customer).await?;
            return Ok(Some(then).filter(|then| *then != now));
        }
    }
    Ok(None)
}

fn price(included: Decimal, tiers: &[Tier]) -> Price {
    let tier =
        |tier: &Tier| unitpay_billing::Tier { up_to: tier.up_to, unit_price: tier.unit_price };
    Price { included, tiers: tiers.iter().map(tier).collect() }
}

/// Rates the open segments of the usage window until `end`, under the current plan. Usage in a
/// trial is not billed.
pub async fn usage(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    subscription: &Subscription,
    plan: &Plan,
    end: Time,
) -> Result<Vec<Line>, BillingError> {
    let Some(open) = subscription.usage_period else { return Ok(Vec::new()) };
    if subscription.status == SubscriptionStatus::Trialing {
        return Ok(Vec::new());
    }
    let mut lines = Vec::new();
    for charge in &plan.charges {
        let (metric_id, price) = match charge {
            Charge::Usage { metric_id, included_units, tiers } => {
                (*metric_id, price(*included_units, tiers))
            }
            Charge::Recurring { .. } | Charge::OneOff { .. } => continue,
        };
        let segment = usage::segment(tx, subscription, metric_id, open).await?;
        let metric = catalog::metric(tx, tenant, metric_id).await?;
        let (included, parts) = price.parts(segment.from, segment.to);
        let tier = |(quantity, unit_amount)| InvoiceTier { quantity, unit_amount };
        let name = metric.as_ref().map_or(&plan.name, |metric| &metric.name);
        let label = LineLabel::new(LineCode::Usage, name);
        lines.push(Line {
            tax: None,
            usage: Some(UsageParts { included, tiers: parts.into_iter().map(tier).collect() }),
            description: label.description(),
            label: Some(label),
            kind: LineKind::Usage,
            quantity: segment.to.checked_sub(segment.from)?,
            unit_amount: None,
            amount: price.of_segment(segment.from, segment.to)?,
            discount: None,
            period: Some(Period { start: segment.since, end }),
        });
    }
    Ok(lines)
}

/// Closes the open segments of the usage window under the current plan. Their lines wait for the
/// customer's next invoice, which may be one that this transaction writes.
pub async fn close_segment(
    work: &mut Work<'_, '_, '_>,
    subscription: &Subscription,
    plan: &Plan,
) -> Result<(), BillingError> {
    let Some(open) = subscription.usage_period else { return Ok(()) };
    let lines = usage(work.tx, work.tenant, subscription, plan, work.at).await?;
    let (customer, currency) = (subscription.customer_no, subscription.currency);
    invoices::wait_for_next(work, customer, currency, lines).await?;
    Ok(usage::segment_closed(work.tx, subscription, open, work.at).await?)
}
