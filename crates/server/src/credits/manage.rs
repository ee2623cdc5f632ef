//! What the backend does to a wallet by hand: grants, takes back, freezes.

use super::{EntryKind, Grant, NewGrant, Source, Wallet, sql};
use crate::audit::Action;
use crate::base::{CreditAccountId, LedgerEntryId, Time};
use crate::customers::{self, Customer};
use crate::db::Tx;
use crate::organizations::Tenant;
use crate::subscriptions;
use crate::work::{BillingError, By};
use serde_json::json;

/// Grants credits that nobody paid for.
#[allow(clippy::too_many_arguments)] // One grant, all of it.
pub async fn grant_by_hand(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: CreditAccountId,
    amount: i64,
    expires_at: Option<Time>,
    description: Option<String>,
    at: Time,
    by: &By,
) -> Result<Grant, BillingError> {
    let (customer, mut wallet) = lock(tx, tenant, id, at, by).await?;
    if expires_at.is_some_and(|end| end <= at) {
        return Err(BillingError::EndsBeforeNow);
    }
    let new = NewGrant {
        source: Source::Promotional,
        amount,
        expires_at,
        subscription_id: None,
        cadence: None,
        description,
    };
    let grant_id = wallet.grant(&new, at, &by.ids)?;
    let grant = wallet.grant_of(grant_id).cloned().ok_or(BillingError::NotFound)?;
    sql::save_all(tx, &[wallet], at).await?;
    let detail = json!({ "grantId": grant_id, "amount": amount });
    by.note(tx, tenant, customer.id, Action::CreditsGranted, id, detail).await?;
    Ok(grant)
}

/// Takes an entry back, once: a deduction is given back, of a grant is taken what is left of it.
pub async fn undo(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: CreditAccountId,
    entry: LedgerEntryId,
    at: Time,
    by: &By,
) -> Result<super::Entry, BillingError> {
    let (customer, mut wallet) = lock(tx, tenant, id, at, by).await?;
    let no = wallet.account.no;
    let of = sql::entry(tx, no, entry).await?.ok_or(BillingError::NotFound)?;
    if sql::is_undone(tx, no, entry).await? {
        return Err(BillingError::NotUndoable);
    }
    match of.kind {
        EntryKind::Deduction => {
            let to = living(tx, tenant, &wallet, &of, at).await?;
            wallet.refund(&of, to, at, &by.ids)?;
        }
        EntryKind::Grant if wallet.grant_of(of.grant_id).is_some_and(|g| g.remaining > 0) => {
            wallet.reverse(&of, at, &by.ids)
        }
        EntryKind::Grant | EntryKind::Expiry | EntryKind::Refund | EntryKind::Reversal => {
            return Err(BillingError::NotUndoable);
        }
    }
    let undone = wallet.last_entry().ok_or(BillingError::NotUndoable)?;
    sql::save_all(tx, &[wallet], at).await?;
    let detail = json!({ "ledgerEntryId": entry, "amount": undone.amount });
    by.note(tx, tenant, customer.id, Action::CreditsRefunded, id, detail).await?;
    Ok(undone)
}

/// The grant of a deduction, where it still could have been used.
async fn living(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    wallet: &Wallet,
    of: &super::Entry,
    at: Time,
) -> Result<Option<Grant>, BillingError> {
    let Some(grant) = sql::grant(tx, wallet.account.no, of.grant_id).await? else {
        return Ok(None);
    };
    if grant.expires_at.is_some_and(|end| end <= at) {
        return Ok(None);
    }
    let Some(subscription_id) = grant.subscription_id else { return Ok(Some(grant)) };
    let subscription = subscriptions::get(tx, tenant, subscription_id).await?;
    Ok(subscription.filter(|s| s.status.gives_access()).map(|_| grant))
}

/// Freezes a wallet or unfreezes it: nothing is debited from a frozen one, and nothing bought.
pub async fn set_frozen(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: CreditAccountId,
    frozen: bool,
    at: Time,
    by: &By,
) -> Result<(), BillingError> {
    let (customer, wallet) = lock(tx, tenant, id, at, by).await?;
    let before = wallet.account.frozen;
    sql::save_all(tx, &[wallet], at).await?;
    if before != frozen {
        sql::set_frozen(tx, tenant, id, frozen, at).await?;
        let action =
            if frozen { Action::CreditAccountFrozen } else { Action::CreditAccountUnfrozen };
        by.note(tx, tenant, customer.id, action, id, json!({})).await?;
    }
    Ok(())
}

/// A wallet for change, up to date, behind its customer.
pub(super) async fn lock(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    id: CreditAccountId,
    at: Time,
    by: &By,
) -> Result<(Customer, Wallet), BillingError> {
    let key = sql::key(tx, tenant, id).await?.ok_or(BillingError::NotFound)?;
    let customer = customers::lock_no(tx, tenant, key.0).await?.ok_or(BillingError::NotFound)?;
    let wallet = sql::lock_all(tx, tenant, &[key], at, &by.ids).await?.pop();
    Ok((customer, wallet.ok_or(BillingError::NotFound)?))
}
