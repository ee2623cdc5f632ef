//! Purchased credits. They are granted when their invoice is paid, never before.

use super::{GrantSource, NewGrant, TopUp, TopUpStatus, Wallet, save, sql};
use crate::base::{CreditPackageId, PaymentMethodId, Time, money};
use crate::catalog::{self, CreditPackage};
use crate::customers::billing;
use crate::db::{DbError, Tx};
use crate::invoices::{Invoice, InvoiceReason, InvoiceStatus};
use crate::organizations::Tenant;
use crate::work::{BillingError, Work};

/// Grants the credits bought by an invoice that is about to be paid. No-op if it bought nothing or
/// was handled before. Returns `false` if the customer now pays in another currency than the
/// draft's, so that the payment must be refunded.
pub async fn topped_up(work: &mut Work<'_, '_, '_>, invoice: &Invoice) -> Result<bool, DbError> {
    let customer_no = invoice.customer_no;
    let Some((mut wallet, mut top_up)) = open_top_up(work, invoice).await? else {
        return Ok(true);
    };
    let known = billing::get(work.tx, work.tenant, customer_no).await?.currency;
    if invoice.status == InvoiceStatus::Draft && known.is_some_and(|known| known != top_up.currency)
    {
        return Ok(false);
    }
    let package = package(work.tx, work.tenant, top_up.package_id).await?;
    let bought = bought(package.as_ref(), top_up.credits, work.at);
    top_up.grant_id = Some(wallet.buy(&bought, work.stamp()));
    if top_up.automatic {
        wallet.auto_top_up_ended(None);
    }
    billing::set_currency(work.tx, work.tenant, customer_no, top_up.currency).await?;
    top_up.status = TopUpStatus::Succeeded;
    sql::end_top_up(work.tx, wallet.account.no, &top_up, work.at).await?;
    save(work, &[wallet]).await?;
    Ok(true)
}

/// The credits of a purchase that a credit note takes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenBack {
    pub taken: i64,
    /// Credits that should have been taken back, but were used or have expired.
    pub used: i64,
}

/// Takes back the bought credits for which an invoice is credited, as far as they are left. `credited`
/// is what was credited in all before and after. `None` if the invoice has granted no credits.
pub async fn take_back(
    work: &mut Work<'_, '_, '_>,
    invoice: &Invoice,
    credited: (i64, i64),
) -> Result<Option<TakenBack>, BillingError> {
    if invoice.reason != InvoiceReason::TopUp {
        return Ok(None);
    }
    let customer_no = invoice.customer_no;
    let paid = sql::paid_top_up(work.tx, work.tenant, customer_no, invoice.id).await?;
    let Some((currency_id, top_up)) = paid else { return Ok(None) };
    let wallet = sql::lock_all(work, &[(customer_no, currency_id)]).await?.pop();
    let Some((mut wallet, grant_id)) = wallet.zip(top_up.grant_id) else { return Ok(None) };
    let part = |credited: i64| {
        let exact = i128::from(top_up.credits) * i128::from(credited);
        money::divide(exact, i128::from(invoice.totals.total.max(1)))
    };
    let wanted = part(credited.1)? - part(credited.0)?;
    let taken = wallet.take_back(grant_id, wanted, work.stamp());
    save(work, &[wallet]).await?;
    Ok(Some(TakenBack { taken, used: wanted - taken }))
}

/// Cancels an unpaid purchase: grants nothing, and pauses an automatic top-up rule while this card
/// is the default. Its draft is already deleted.
pub async fn top_up_failed(
    work: &mut Work<'_, '_, '_>,
    invoice: &Invoice,
    card: Option<PaymentMethodId>,
) -> Result<(), DbError> {
    let Some((mut wallet, mut top_up)) = open_top_up(work, invoice).await? else {
        return Ok(());
    };
    if top_up.automatic {
        wallet.auto_top_up_ended(Some(card));
    }
    top_up.status = TopUpStatus::Failed;
    top_up.invoice_id = top_up.invoice_id.filter(|_| invoice.status != InvoiceStatus::Draft);
    sql::end_top_up(work.tx, wallet.account.no, &top_up, work.at).await?;
    save(work, &[wallet]).await
}

/// Returns the open top-up that an invoice pays for, and its wallet.
async fn open_top_up(
    work: &mut Work<'_, '_, '_>,
    invoice: &Invoice,
) -> Result<Option<(Wallet, TopUp)>, DbError> {
    if invoice.reason != InvoiceReason::TopUp {
        return Ok(None);
    }
    let customer_no = invoice.customer_no;
    let open = sql::open_top_up(work.tx, work.tenant, customer_no, invoice.id).await?;
    let Some((currency_id, top_up)) = open else { return Ok(None) };
    let wallet = sql::lock_all(work, &[(customer_no, currency_id)]).await?.pop();
    Ok(wallet.map(|wallet| (wallet, top_up)))
}

async fn package(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: Option<CreditPackageId>,
) -> Result<Option<CreditPackage>, DbError> {
    match id {
        None => Ok(None),
        Some(id) => catalog::credit_package(tx, tenant, id).await,
    }
}

pub fn bought(package: Option<&CreditPackage>, amount: i64, at: Time) -> NewGrant {
    let days = package.and_then(|package| package.expires_after_days);
    NewGrant {
        source: GrantSource::Package,
        amount,
        starts_at: None,
        expires_at: days.map(|days| at.plus_days(days)),
        subscription_id: None,
        cadence: None,
        description: package.map(|package| package.name.clone()),
    }
}
