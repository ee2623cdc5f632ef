//! Top-ups: credits for money, on request or automatically when a balance falls below a threshold. The
//! credits come with the payment. The invoice of a charge stays a draft until then; a customer who
//! pays by transfer is sent the invoice first.

use crate::audit::Action;
use crate::base::{
    CollectionMethod, CreditCurrencyId, Currency, Decimal, MAX_AMOUNT, Overflow, PaymentAttemptId,
    Time, money,
};
use crate::catalog::{self, CreditPackage, Denomination};
use crate::credits::{self, AutoTopUp, Purchase, TopUp, TopUpStatus, Wallet, bought};
use crate::customers::{self, billing};
use crate::db::DbError;
use crate::invoices::{
    InvoiceReason, InvoiceStatus, Line, LineCode, LineKind, LineLabel, NewInvoice, balance,
};
use crate::payments;
use crate::settlement::{self, Billed, Effect, SettleOutcome};
use crate::work::{BillingError, Work};
use serde_json::json;

/// A priced purchase.
#[derive(Clone, Debug)]
struct TopUpQuote {
    credits: i64,
    amount: i64,
    currency: Currency,
    package: Option<CreditPackage>,
    line: Line,
}

/// A top-up that a caller asks for; its bounds are checked.
#[derive(Clone, Debug)]
pub struct TopUpOrder {
    pub currency_id: CreditCurrencyId,
    pub purchase: Purchase,
    /// The price before tax that the caller was shown.
    pub expected_amount: Option<i64>,
}

/// Begins a top-up. Creates the wallet if there is none.
pub async fn top_up(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
    order: &TopUpOrder,
) -> Result<SettleOutcome, BillingError> {
    let TopUpOrder { currency_id, purchase, expected_amount } = order;
    let mut wallet = open(work, customer_no, *currency_id).await?;
    if wallet.account.frozen {
        return Err(BillingError::Frozen);
    }
    if let Some(expected) = expected_amount {
        let TopUpQuote { amount, currency, .. } = quote(work, &wallet, purchase).await?;
        if amount != *expected {
            return Err(BillingError::PriceChanged { amount, currency });
        }
    }
    let kept = start(work, &mut wallet, purchase, false).await?;
    credits::save(work, &[wallet]).await?;
    Ok(kept)
}

/// Sets or disables the automatic top-up rule of a wallet. Disabling is never refused.
pub async fn set_auto_top_up(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
    currency_id: CreditCurrencyId,
    mut rule: AutoTopUp,
) -> Result<crate::base::CreditAccountId, BillingError> {
    let mut wallet = open(work, customer_no, currency_id).await?;
    if rule.enabled {
        quote(work, &wallet, &rule.purchase).await?;
    }
    if let Some(old) = &wallet.account.auto_top_up {
        (rule.month, rule.count, rule.pending) = (old.month, old.count, old.pending);
    }
    if wallet.account.auto_top_up.as_ref() == Some(&rule) {
        return Ok(wallet.account.id);
    }
    let (id, detail) = (wallet.account.id, json!({ "enabled": rule.enabled }));
    wallet.set_auto_top_up(rule);
    credits::save(work, &[wallet]).await?;
    let customer =
        customers::by_no(work.tx, work.tenant, customer_no).await?.ok_or(BillingError::NotFound)?;
    work.note(customer.id, Action::AutoTopUpSet, id, detail).await?;
    Ok(id)
}

/// Locks the customer's wallet, after its customer, and creates it if there is none.
async fn open(
    work: &mut Work<'_, '_, '_>,
    customer_no: i64,
    currency_id: CreditCurrencyId,
) -> Result<Wallet, BillingError> {
    let customer = customers::lock_no(work.tx, work.tenant, customer_no).await?;
    if customer.ok_or(BillingError::NotFound)?.archived_at.is_some() {
        return Err(BillingError::CustomerArchived);
    }
    if catalog::credit_currency(work.tx, work.tenant, currency_id).await?.is_none() {
        return Err(BillingError::NoCurrency);
    }
    credits::make(work, (customer_no, currency_id)).await?;
    let wallet = credits::lock(work, &[(customer_no, currency_id)]).await?.pop();
    wallet.ok_or(DbError::Broken("a wallet just made is missing").into())
}

/// Runs the first transaction of a top-up, with the customer locked.
async fn start(
    work: &mut Work<'_, '_, '_>,
    wallet: &mut Wallet,
    purchase: &Purchase,
    automatic: bool,
) -> Result<SettleOutcome, BillingError> {
    let account = &wallet.account;
    let (id, no, customer_no) = (account.id, account.no, account.customer_no);
    let quote = quote(work, wallet, purchase).await?;
    money::sum([wallet.account.balance, quote.credits])?;
    let method = payments::default_of(work.tx, work.tenant, customer_no).await?;
    let profile = billing::get(work.tx, work.tenant, customer_no).await?;
    let new = NewInvoice {
        subscription_id: None,
        reason: InvoiceReason::TopUp,
        currency: quote.currency,
        lines: vec![quote.line.clone()],
        period: None,
        collection_method: profile.collection_method,
        due_key: None,
    };
    let package_id = quote.package.as_ref().map(|package| package.id);
    let credits = quote.credits;
    let effect = Effect::TopUp { credit_account_id: id, credits, package_id, automatic };
    let method = method.as_ref();
    let billed = settlement::collect(work, customer_no, new, method, effect).await?;
    let mut top_up = TopUp {
        id: work.by.ids.payment_attempt(),
        invoice_id: None,
        status: TopUpStatus::Succeeded,
        credits,
        amount: quote.amount,
        currency: quote.currency,
        package_id,
        automatic,
        grant_id: None,
        created_at: work.at,
    };
    let outcome = match billed {
        Billed::Attempt(attempt) => {
            (top_up.id, top_up.invoice_id) = (attempt.id, Some(attempt.invoice_id));
            top_up.status = TopUpStatus::Pending;
            SettleOutcome::Attempt { attempt_id: attempt.id }
        }
        Billed::Issued(invoice) => {
            top_up.invoice_id = Some(invoice.id);
            if invoice.status != InvoiceStatus::Paid {
                top_up.status = TopUpStatus::Pending;
            }
            SettleOutcome::of_issued(&invoice, None)
        }
        Billed::Added | Billed::Nothing => return Err(BillingError::OutOfRange),
    };
    if top_up.status == TopUpStatus::Succeeded {
        let bought = bought(quote.package.as_ref(), credits, work.at);
        top_up.grant_id = Some(wallet.buy(&bought, work.stamp()));
        billing::set_currency(work.tx, work.tenant, customer_no, quote.currency).await?;
    }
    credits::add_top_up(work.tx, no, &top_up).await?;
    let customer =
        customers::by_no(work.tx, work.tenant, customer_no).await?.ok_or(BillingError::NotFound)?;
    let detail = json!({ "credits": credits, "automatic": automatic });
    work.note(customer.id, Action::TopUpStarted, id, detail).await?;
    Ok(outcome)
}

/// Starts a top-up if the wallet's rule requires one, with the customer locked. Pauses the rule if
/// it cannot start.
pub async fn top_up_if_low(
    work: &mut Work<'_, '_, '_>,
    wallet: &mut Wallet,
) -> Result<Option<PaymentAttemptId>, DbError> {
    let account = &wallet.account;
    let rule = account.auto_top_up.clone().filter(|_| wallet.wants_top_up());
    let Some(mut rule) = rule else { return Ok(None) };
    let month = month(work.at);
    if rule.month != month {
        (rule.month, rule.count) = (month, 0);
    }
    if account.frozen || rule.count >= rule.max_per_month {
        return Ok(None);
    }
    let card =
        payments::default_of(work.tx, work.tenant, account.customer_no).await?.map(|card| card.id);
    if rule.is_paused(card) {
        return Ok(None);
    }
    let purchase = rule.purchase.clone();
    let begun = match start(work, wallet, &purchase, true).await {
        Ok(outcome) => {
            rule.count += 1;
            rule.paused = false;
            let attempt = outcome.attempt_id();
            let sent = matches!(outcome, SettleOutcome::InvoiceSent { .. });
            rule.pending = attempt.is_some() || sent;
            attempt
        }
        Err(BillingError::Db(error)) => return Err(error),
        Err(error) => {
            tracing::warn!(account = %wallet.account.id, ?error, "an automatic top-up is paused");
            rule.pause(card);
            None
        }
    };
    wallet.set_auto_top_up(rule);
    Ok(begun)
}

/// Prices a purchase in the customer's currency. Credits are paid before they can be used, so an
/// amount below the processor's minimum is refused instead of waiting for the next invoice.
async fn quote(
    work: &mut Work<'_, '_, '_>,
    wallet: &Wallet,
    purchase: &Purchase,
) -> Result<TopUpQuote, BillingError> {
    let account = &wallet.account;
    let credits_in = catalog::credit_currency(work.tx, work.tenant, account.currency_id).await?;
    let credits_in = credits_in.ok_or(BillingError::NoCurrency)?;
    let (credits, amount, currency, package, quantity) = match *purchase {
        Purchase::Amount { amount } => {
            let Denomination::Money(currency) = credits_in.denomination else {
                return Err(BillingError::PackageRequired);
            };
            let least = credits_in.top_up_min.unwrap_or(1);
            let most = credits_in.top_up_max.unwrap_or(MAX_AMOUNT);
            if !(least..=most).contains(&amount) {
                return Err(BillingError::OutOfRange);
            }
            let finer = credits_in.minor_unit_scale - credits_in.denomination.decimals();
            let factor = u32::try_from(finer).ok().and_then(|digits| 10_i64.checked_pow(digits));
            let credits = times(amount, factor.ok_or(BillingError::OutOfRange)?)?;
            (credits, amount, currency, None, 1)
        }
        Purchase::Package { package_id, quantity } => {
            let package = catalog::credit_package(work.tx, work.tenant, package_id).await?;
            let sold = package
                .filter(|package| !package.archived)
                .filter(|package| package.credit_currency_id == account.currency_id);
            let package = sold.ok_or(BillingError::NoPackage)?;
            let credits = times(package.credits, quantity)?;
            (credits, times(package.price, quantity)?, package.currency, Some(package), quantity)
        }
    };
    let profile = billing::get(work.tx, work.tenant, account.customer_no).await?;
    let (tx, customer_no) = (&mut *work.tx, account.customer_no);
    if profile.currency.is_some_and(|known| known != currency)
        || balance::is_elsewhere(tx, work.tenant, customer_no, currency).await?
    {
        return Err(BillingError::CurrencyMismatch);
    }
    let name = package.as_ref().map_or(&credits_in.name, |package| &package.name);
    let label = LineLabel::new(LineCode::TopUp, name);
    let line = Line {
        description: label.description(),
        label: Some(label),
        kind: LineKind::TopUp,
        quantity: Decimal::from_integer(quantity),
        unit_amount: Some(Decimal::from_integer(amount / quantity.max(1))),
        usage: None,
        tax: None,
        amount,
        discount: None,
        period: None,
    };
    if profile.collection_method == CollectionMethod::ChargeAutomatically {
        let (no, lines) = (account.customer_no, std::slice::from_ref(&line));
        settlement::check_chargeable(work, no, currency, lines).await?;
    }
    Ok(TopUpQuote { credits, amount, currency, package, line })
}

fn times(amount: i64, quantity: i64) -> Result<i64, Overflow> {
    money::amount(i128::from(amount) * i128::from(quantity))
}

/// Months, counted from year 0, UTC.
fn month(at: Time) -> i64 {
    let zoned =
        jiff::Timestamp::from_microsecond(at.0).map(|t| t.to_zoned(jiff::tz::TimeZone::UTC));
    zoned.map_or(0, |zoned| i64::from(zoned.year()) * 12 + i64::from(zoned.month()))
}
